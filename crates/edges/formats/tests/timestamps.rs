//! Time stamps by OpenSSL's authority, which shares nothing with ours but the standard.

use std::path::Path;
use std::process::Command;

use obhut_formats::evidence::{check_timestamp, time_certificates, timestamp_request};

const NONCE: [u8; 8] = [0x80, 1, 2, 3, 4, 5, 6, 7];
const STAMPED: &[u8] = b"obhut.test/log\n7\nAAAA\n";

/// An authority in a folder: a certificate that issues others, and one that stamps.
struct Authority {
    folder: tempfile::TempDir,
}

/// Runs openssl in a folder; panics with what it says if it fails.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {said}");
}

impl Authority {
    /// `None` without OpenSSL's command. `key` is what `openssl req -newkey` takes, `digest` what the stamp is signed
    /// over, `usage` what the stamping certificate is for.
    fn new(key: &str, digest: &str, usage: &str) -> Option<Self> {
        let is_there = Command::new("openssl").arg("version").output().is_ok();
        if !is_there {
            println!("not present: openssl");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let write = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
        write(
            "ext",
            &format!(
                "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n"
            ),
        );
        write("serial", "01\n");
        write(
            "tsa.cnf",
            &format!(
                "[tsa]\ndefault_tsa=a\n[a]\nserial=serial\nsigner_cert=tsa.pem\ncerts=ca.pem\nsigner_key=tsa.key\nsigner_digest={digest}\ndefault_policy=1.2.3.4\ndigests=sha256\nordering=no\ntsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg={}\n",
                if digest == "sha512" { "sha1" } else { "sha256" }
            ),
        );
        openssl(
            at,
            &format!(
                "req -x509 -newkey {key} -nodes -keyout ca.key -out ca.pem -subj /CN=root -days 30"
            ),
        );
        openssl(
            at,
            &format!("req -newkey {key} -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa"),
        );
        openssl(
            at,
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 20 -extfile ext",
        );
        Some(Self { folder })
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    fn root(&self) -> String {
        String::from_utf8(self.read("ca.pem")).unwrap()
    }

    /// The answer to a request for these bytes.
    fn stamps(&self, stamped: &[u8]) -> Vec<u8> {
        let at = self.folder.path();
        std::fs::write(at.join("q"), timestamp_request(stamped, NONCE)).unwrap();
        openssl(at, "ts -reply -config tsa.cnf -queryfile q -out r");
        self.read("r")
    }
}

#[test]
fn a_stamp_of_another_implementation_is_believed() {
    for (key, digest) in [
        ("rsa:2048", "sha256"),
        ("rsa:2048", "sha512"),
        ("ec -pkeyopt ec_paramgen_curve:P-256", "sha256"),
        ("ec -pkeyopt ec_paramgen_curve:P-384", "sha384"),
    ] {
        let Some(authority) = Authority::new(key, digest, "critical,timeStamping") else {
            return;
        };
        let answer = authority.stamps(STAMPED);
        let at = check_timestamp(&answer, STAMPED, NONCE, &authority.root());
        let at = at.unwrap_or_else(|e| panic!("{key} {digest}: {e}"));
        let now = jiff::Timestamp::now().as_microsecond();
        assert!((now - at).abs() < 120_000_000, "{at}");
        // And the reverse: OpenSSL believes it by the commands in the README of an export.
        let folder = authority.folder.path();
        std::fs::write(folder.join("checkpoint"), STAMPED).unwrap();
        openssl(folder, "ts -verify -data checkpoint -in r -CAfile ca.pem");
    }
}

#[test]
fn a_stamp_that_says_something_else_is_refused() {
    let Some(authority) = Authority::new("rsa:2048", "sha256", "critical,timeStamping") else {
        return;
    };
    let answer = authority.stamps(STAMPED);
    let root = authority.root();
    let refused = |answer: &[u8], stamped: &[u8], nonce, root: &str| {
        check_timestamp(answer, stamped, nonce, root).unwrap_err()
    };
    assert_eq!(
        refused(&answer, b"other", NONCE, &root),
        "the stamp is about something else"
    );
    assert_eq!(
        refused(&answer, STAMPED, [0; 8], &root),
        "the stamp answers another request"
    );
    let other = Authority::new("rsa:2048", "sha256", "critical,timeStamping").unwrap();
    assert_eq!(
        refused(&answer, STAMPED, NONCE, &other.root()),
        "none of the certificates on record vouches for the signer"
    );
    for at in 0..answer.len() {
        let mut changed = answer.clone();
        changed[at] ^= 1;
        let seen = check_timestamp(&changed, STAMPED, NONCE, &root);
        // A few bits are outside of what is signed: the status's text, the chain that comes with it.
        if let Ok(at_then) = seen {
            assert_eq!(
                seen,
                check_timestamp(&answer, STAMPED, NONCE, &root),
                "{at_then}"
            );
        }
    }
    for cut in 0..answer.len() {
        assert!(
            check_timestamp(&answer[..cut], STAMPED, NONCE, &root).is_err(),
            "{cut}"
        );
    }
    for text in ["", "nothing", &root.replace('M', "m")] {
        assert!(time_certificates(text).is_err());
    }
}

/// DER: a sequence of what is given.
fn sequence(content: &[u8]) -> Vec<u8> {
    // In its shortest form: DER allows no other.
    match u8::try_from(content.len()).ok().filter(|n| *n < 0x80) {
        Some(length) => [&[0x30, length], content].concat(),
        None => {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            [&[0x30, 0x82], &length[..], content].concat()
        }
    }
}

/// OpenSSL stamps with no such certificate, so the same content is signed as any other message is.
#[test]
fn a_certificate_that_is_not_for_stamping_stamps_nothing() {
    for (usage, is_for_stamping) in [
        ("critical,timeStamping", true),
        ("critical,serverAuth", false),
        ("codeSigning", false),
    ] {
        let Some(authority) = Authority::new("rsa:2048", "sha256", "critical,timeStamping") else {
            return;
        };
        let folder = authority.folder.path();
        let ext = format!("basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n");
        std::fs::write(folder.join("ext2"), ext).unwrap();
        openssl(
            folder,
            "req -newkey rsa:2048 -nodes -keyout other.key -out other.csr -subj /CN=other",
        );
        openssl(
            folder,
            "x509 -req -in other.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out other.pem -days 20 -extfile ext2",
        );
        // After the certificate was issued: it isn't valid before.
        authority.stamps(STAMPED);
        openssl(folder, "ts -reply -in r -token_out -out token");
        openssl(
            folder,
            "cms -verify -noverify -inform DER -in token -binary -out content",
        );
        openssl(
            folder,
            "cms -sign -nodetach -binary -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -signer other.pem -inkey other.key -in content -outform DER -out signed",
        );
        let granted = sequence(&[2, 1, 0]);
        let answer = sequence(&[granted, authority.read("signed")].concat());
        let checked = check_timestamp(&answer, STAMPED, NONCE, &authority.root());
        match is_for_stamping {
            true => assert!(checked.is_ok(), "{checked:?}"),
            false => assert_eq!(
                checked.unwrap_err(),
                "none of the certificates on record vouches for the signer",
                "{usage}"
            ),
        }
    }
}
