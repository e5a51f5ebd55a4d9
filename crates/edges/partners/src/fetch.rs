//! Fetches files from the addresses an operator has allowed, and from no others.
//!
//! An address is compared with the allow-list before the first connection and again after every
//! redirect. A name is resolved once, by us, and the connection goes to what it resolved to, so a
//! name on the list that resolves to a private address is refused. Private addresses are reached
//! only through entries that give the IP address itself, and through `localhost`.

use std::fmt;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use url::{Host, Url};

/// Redirects that are followed, each checked like the first address. Our judgement.
const REDIRECTS_MAX: u32 = 5;
/// Longest time for one file, redirects included. Our judgement.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Longest wait for a connection, and for the response headers. Our judgement.
const HEAD_TIME_MAX: Duration = Duration::from_secs(20);

/// What may be fetched: URL prefixes, each with scheme and host, and port and path if wanted.
#[derive(Clone, Debug, Default)]
pub struct AllowList(Vec<Url>);

/// A file from elsewhere.
pub struct Fetched {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What the server says it is.
    pub media_type: Option<String>,
    /// Metadata that an object was stored with: names without `x-amz-meta-`, in lower case, and
    /// values.
    pub meta: Vec<(String, String)>,
}

/// Why a file was not fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FetchFault {
    /// The operator's list, or our own check, refuses the address or what is there.
    NotAllowed(&'static str),
    /// No complete answer came: there was no connection, the certificate isn't trusted, or the
    /// answer broke off.
    Unreachable,
    /// The server answered with a status other than 200.
    Status(u16),
    /// Longer than allowed.
    TooLong {
        /// Bytes allowed.
        bytes_max: u64,
    },
    /// It took too long.
    TooSlow,
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed(why) => write!(f, "this address may not be fetched: {why}"),
            Self::Unreachable => write!(f, "no complete answer came from this address"),
            Self::Status(status) => write!(f, "the address answers with status {status}"),
            Self::TooLong { bytes_max } => write!(f, "the file is longer than {bytes_max} bytes"),
            Self::TooSlow => write!(f, "the file took too long"),
        }
    }
}

impl std::error::Error for FetchFault {}

impl AllowList {
    /// From what an operator wrote: `https://cdn.example.com/`, `http://10.0.0.5:9000/uploads/`.
    /// Fails on an entry that isn't an http or https URL, or has a query, fragment, user or
    /// password.
    pub fn new<'a>(beginnings: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        beginnings
            .into_iter()
            .map(|text| {
                let url = Url::parse(text).map_err(|e| format!("\"{text}\" isn't a URL: {e}"))?;
                let web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
                // An entry is compared by its path; a query or a fragment in it would have no
                // effect.
                let plain = url.query().is_none() && url.fragment().is_none();
                if web && plain && url.username().is_empty() && url.password().is_none() {
                    Ok(url)
                } else {
                    Err(format!(
                        "\"{text}\" is not the beginning of an http or https address"
                    ))
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// True when nothing may be fetched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entry that allows an address.
    fn entry(&self, url: &Url) -> Result<&Url, FetchFault> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchFault::NotAllowed("it has a name or password in it"));
        }
        // Some servers decode an encoded slash or backslash, and the path then leaves the allowed
        // folder.
        let path = url.path().to_ascii_lowercase();
        if path.contains("%2f") || path.contains("%5c") {
            return Err(FetchFault::NotAllowed(
                "it has an encoded slash in its path",
            ));
        }
        // Both are normalised by Url: case, default port, dot segments, other spellings of IPv4.
        self.0
            .iter()
            .find(|allowed| {
                allowed.scheme() == url.scheme()
                    && allowed.host() == url.host()
                    && allowed.port_or_known_default() == url.port_or_known_default()
                    && is_below(allowed.path(), url.path())
            })
            .ok_or(FetchFault::NotAllowed("it is not on the operator's list"))
    }
}

/// Paths are compared piece by piece: `/up` does not allow `/upper`.
fn is_below(allowed: &str, path: &str) -> bool {
    match path.strip_prefix(allowed) {
        Some(rest) => allowed.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// Resolves names, and refuses those that point into the internal network.
#[derive(Debug)]
struct Outside {
    resolver: DefaultResolver,
}

impl Resolver for Outside {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        // An IP address in the URL is on the operator's list itself; `localhost` can mean nothing
        // else.
        let host = uri.host().unwrap_or_default();
        let written_out = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if written_out || host == "localhost" {
            return Ok(found);
        }
        // A name with public and private addresses is reached at its public ones only.
        let mut outside = self.empty();
        for address in found.iter().filter(|a: &&SocketAddr| is_public(a.ip())) {
            outside.push(*address);
        }
        // The same as for a name that doesn't exist, so that answers don't reveal internal names.
        if outside.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(outside)
    }
}

/// True for publicly routed addresses (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let [x, y, z, _] = a.octets();
            // The ranges written as numbers are those that std tests only in nightly (RFC 6890).
            !(a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_unspecified()
                || a.is_broadcast()
                || a.is_multicast()
                || a.is_documentation()
                || x == 0
                || x >= 240
                || (x == 100 && (64..128).contains(&y))
                || (x == 192 && y == 0 && z == 0)
                || (x == 198 && (18..20).contains(&y)))
        }
        IpAddr::V6(a) => match a.to_ipv4_mapped() {
            Some(mapped) => is_public(mapped.into()),
            // 2000::/3 is the global unicast range; it contains transition and documentation
            // ranges.
            None => {
                let [first, second, ..] = a.segments();
                first & 0xe000 == 0x2000
                    && first != 0x2002
                    && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
            }
        },
    }
}

/// Fetches from allowed addresses. Calls block.
pub struct Fetcher {
    allowed: AllowList,
    agent: ureq::Agent,
}

/// TLS settings of every HTTP connection: rustls with ring, the system's certificates.
pub(crate) fn tls() -> ureq::tls::TlsConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ureq::tls::TlsConfig::builder()
        .provider(ureq::tls::TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .build()
}

impl Fetcher {
    /// Nothing is connected before the first call.
    pub fn new(allowed: AllowList) -> Self {
        let tls = tls();
        // Redirects are followed in `get`, each target checked. A proxy would resolve names itself,
        // past the check of addresses.
        let config = Config::builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .timeout_connect(Some(HEAD_TIME_MAX))
            .timeout_recv_response(Some(HEAD_TIME_MAX))
            .tls_config(tls)
            .build();
        let outside = Outside {
            resolver: DefaultResolver::default(),
        };
        Self {
            allowed,
            agent: ureq::Agent::with_parts(config, DefaultConnector::default(), outside),
        }
    }

    /// The file at an address, of at most `bytes_max` bytes, fetched within a minute, redirects
    /// included. Blocks.
    pub fn get(&self, address: &str, bytes_max: u64) -> Result<Fetched, FetchFault> {
        let started = Instant::now();
        let mut url = Url::parse(address).map_err(|_| FetchFault::NotAllowed("not a valid URL"))?;
        for _ in 0..=REDIRECTS_MAX {
            self.allowed.entry(&url)?;
            if matches!(url.host(), Some(Host::Domain(""))) {
                return Err(FetchFault::NotAllowed("it names no host"));
            }
            // One budget for all redirects: five slow ones do not take five times as long.
            let left = TIME_MAX
                .checked_sub(started.elapsed())
                .ok_or(FetchFault::TooSlow)?;
            let request = self.agent.get(url.as_str()).config();
            let mut answer = request
                .timeout_global(Some(left))
                .build()
                .call()
                .map_err(fault)?;
            let status = answer.status().as_u16();
            if (300..400).contains(&status) {
                let to = answer
                    .headers()
                    .get("location")
                    .and_then(|v| v.to_str().ok());
                url = to
                    .and_then(|to| url.join(to).ok())
                    .ok_or(FetchFault::Status(status))?;
                continue;
            }
            if status != 200 {
                return Err(FetchFault::Status(status));
            }
            let media_type = answer
                .headers()
                .get("content-type")
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned);
            let meta = answer.headers().iter().filter_map(|(name, value)| {
                let name = name.as_str().strip_prefix("x-amz-meta-")?;
                Some((name.to_owned(), value.to_str().ok()?.to_owned()))
            });
            let meta = meta.collect();
            // Grows with what arrives: Content-Length is only the server's claim.
            let mut bytes = Vec::new();
            let mut reader = answer.body_mut().as_reader().take(bytes_max + 1);
            reader.read_to_end(&mut bytes).map_err(|e| match e.kind() {
                std::io::ErrorKind::TimedOut => FetchFault::TooSlow,
                _ => FetchFault::Unreachable,
            })?;
            if bytes.len() as u64 > bytes_max {
                return Err(FetchFault::TooLong { bytes_max });
            }
            return Ok(Fetched {
                bytes,
                media_type,
                meta,
            });
        }
        Err(FetchFault::NotAllowed("it redirects more than five times"))
    }
}

fn fault(e: ureq::Error) -> FetchFault {
    match e {
        ureq::Error::Timeout(_) => FetchFault::TooSlow,
        _ => FetchFault::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_list_is_allowed() {
        let list = [
            "https://cdn.example.com/",
            "http://192.0.2.7:9000/up",
            "https://a.example/x/",
        ];
        let list = AllowList::new(list).unwrap();
        for (address, allowed) in [
            ("https://cdn.example.com/p/1.jpg", true),
            ("https://CDN.example.com:443/p", true),
            ("http://cdn.example.com/p", false),
            ("https://cdn.example.com:8443/p", false),
            ("https://cdn.example.com.evil.example/p", false),
            ("https://cdn.example.com@evil.example/p", false),
            ("https://user:x@cdn.example.com/p", false),
            ("http://192.0.2.7:9000/up/1", true),
            ("http://192.0.2.7:9000/upper", false),
            // Url resolves these before the comparison, so they are below the entry after all.
            ("http://192.0.2.7:9000/other/../up/1", true),
            ("http://0xc0.0.2.7:9000/up", true),
            ("https://a.example/x/../y", false),
            ("https://a.example/x/%2e%2e/y", false),
            // Url leaves encoded slashes alone; some servers decode them.
            ("https://a.example/x/..%2fy", false),
            ("https://a.example/x/%5C..%5Cy", false),
            ("file:///etc/passwd", false),
            ("gopher://cdn.example.com/", false),
        ] {
            let verdict = Url::parse(address).is_ok_and(|url| list.entry(&url).is_ok());
            assert_eq!(verdict, allowed, "{address}");
        }
        for wrong in [
            "cdn.example.com",
            "ftp://x/",
            "https://u@x/",
            "https://x/?q",
        ] {
            assert!(AllowList::new([wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_that_lead_inside_are_refused() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            // 127.0.0.1 behind NAT64 (RFC 6052) and 6to4 (RFC 3056).
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "192.0.77.2"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
