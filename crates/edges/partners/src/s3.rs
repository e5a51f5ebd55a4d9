//! Objects from S3 and compatible stores, fetched with URLs signed for one minute (SigV4).

use std::time::Duration;

use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use url::Url;

use crate::fetch::{AllowList, FetchFault, Fetched, Fetcher};

/// How long a signed address is good for.
const SIGNED_FOR: Duration = Duration::from_secs(60);
/// Longest bucket name, in bytes (Amazon S3's own limit).
const BUCKET_BYTES_MAX: usize = 63;
/// Longest object key, in bytes (Amazon S3's own limit).
const KEY_BYTES_MAX: usize = 1_024;

/// Endpoint of a store, and the credentials for it.
pub struct S3 {
    endpoint: Url,
    region: String,
    credentials: Credentials,
    fetcher: Fetcher,
    facts: bool,
}

impl S3 {
    /// `endpoint` as `https://s3.eu-central-1.amazonaws.com/` or `http://127.0.0.1:9000/`. Fails if
    /// [`AllowList::new`] does.
    pub fn new(endpoint: &str, region: &str, key: &str, secret: &str) -> Result<Self, String> {
        // The endpoint is the only address reachable, redirects included.
        let allowed = AllowList::new([endpoint])?;
        Ok(Self {
            endpoint: Url::parse(endpoint).map_err(|e| e.to_string())?,
            region: region.to_owned(),
            credentials: Credentials::new(key, secret),
            fetcher: Fetcher::new(allowed),
            facts: false,
        })
    }

    /// The same store. With `facts`, the objects' metadata counts as what the platform knows about
    /// an upload: set it only if uploaders can't write that metadata.
    pub fn with_facts(mut self, facts: bool) -> Self {
        self.facts = facts;
        self
    }

    /// True if objects' metadata is taken as what the platform knows.
    pub fn has_facts(&self) -> bool {
        self.facts
    }

    /// An object, of at most `bytes_max` bytes: its bytes, media type and metadata. Blocks.
    pub fn object(&self, bucket: &str, key: &str, bytes_max: u64) -> Result<Fetched, FetchFault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if bucket.is_empty() || bucket.len() > BUCKET_BYTES_MAX || !bucket.chars().all(plain) {
            return Err(FetchFault::NotAllowed("not a valid bucket name"));
        }
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(FetchFault::NotAllowed("not a valid object key"));
        }
        let endpoint = self.endpoint.clone();
        let name = (bucket.to_owned(), self.region.clone());
        // The bucket in the path, not in the host: only the endpoint's host is allowed.
        let bucket = Bucket::new(endpoint, UrlStyle::Path, name.0, name.1)
            .map_err(|_| FetchFault::NotAllowed("not a valid bucket name"))?;
        let address = bucket
            .get_object(Some(&self.credentials), key)
            .sign(SIGNED_FOR);
        self.fetcher.get(address.as_str(), bytes_max)
    }
}
