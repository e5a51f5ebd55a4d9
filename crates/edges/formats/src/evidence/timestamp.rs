//! Time stamps by an authority: RFC 3161, in the Cryptographic Message Syntax (RFC 5652).
//!
//! A stamp says that a digest existed at a time. It is believed if its signer's certificate was issued
//! for stamping by an authority on record.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Any, Int, ObjectIdentifier, OctetString, Uint};
use der::{Decode as _, Encode as _, Sequence, Tag, Tagged as _};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ring::digest;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// The extended key usage `timeStamping`, 1.3.6.1.5.5.7.3.8 (RFC 5280), as DER without its header.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// Longest answer, in bytes. Our judgement: stamps with their certificates are 3 to 8 kB.
pub const STAMP_BYTES_MAX: usize = 64 << 10;
/// Bytes of a nonce. Our judgement: no two requests share one.
const NONCE_BYTES: usize = 8;

/// The signatures that are verified, whatever key the authority has.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::ring::RSA_PKCS1_2048_8192_SHA256,
    webpki::ring::RSA_PKCS1_2048_8192_SHA384,
    webpki::ring::RSA_PKCS1_2048_8192_SHA512,
    webpki::ring::ECDSA_P256_SHA256,
    webpki::ring::ECDSA_P256_SHA384,
    webpki::ring::ECDSA_P384_SHA256,
    webpki::ring::ECDSA_P384_SHA384,
    webpki::ring::ED25519,
];

#[derive(Sequence)]
struct AlgorithmIdentifier {
    oid: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<Any>,
}

#[derive(Sequence)]
struct MessageImprint {
    algorithm: AlgorithmIdentifier,
    digest: OctetString,
}

#[derive(Sequence)]
struct TimeStampReq {
    version: u8,
    imprint: MessageImprint,
    nonce: Uint,
    cert_req: bool,
}

#[derive(Sequence)]
struct PkiStatusInfo {
    status: u8,
    #[asn1(optional = "true")]
    text: Option<Any>,
    #[asn1(optional = "true")]
    failure: Option<Any>,
}

#[derive(Sequence)]
struct TimeStampResp {
    status: PkiStatusInfo,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

/// What a stamp says; its other fields are read over.
struct TstInfo {
    imprint: MessageImprint,
    at: i64,
    nonce: Option<Int>,
}

/// A request for a stamp of these bytes, DER. The nonce comes back in the stamp.
pub fn timestamp_request(stamped: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
    let request = TimeStampReq {
        version: 1,
        imprint: MessageImprint {
            algorithm: AlgorithmIdentifier {
                oid: SHA256,
                parameters: Some(Any::null()),
            },
            digest: OctetString::new(digest::digest(&digest::SHA256, stamped).as_ref())
                .expect("32 bytes fit"),
        },
        nonce: Uint::new(&nonce).expect("eight bytes fit"),
        cert_req: true,
    };
    request.to_der().expect("all parts are short")
}

/// The certificates in a PEM file, in DER.
///
/// # Errors
/// There is none, or something in it isn't a certificate.
pub fn time_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = all.map_err(|_| "a certificate can't be read")?;
    match all
        .iter()
        .all(|c| webpki::anchor_from_trusted_cert(c).is_ok())
    {
        true if all.is_empty() => Err("it holds no certificate (PEM)"),
        true => Ok(all),
        false => Err("a certificate can't be read"),
    }
}

/// Checks an answer to [`timestamp_request`], and returns the time in it, in microseconds since 1970.
///
/// # Errors
/// What is wrong with it: refused, about something else, not signed, or signed by one whom none of
/// these certificates (PEM) vouches for.
pub fn check_timestamp(
    answer: &[u8],
    stamped: &[u8],
    nonce: [u8; NONCE_BYTES],
    certificates: &str,
) -> Result<i64, &'static str> {
    if answer.len() > STAMP_BYTES_MAX {
        return Err("the answer is too long");
    }
    let not_one = |_| "the answer isn't a time stamp";
    let answer = TimeStampResp::from_der(answer).map_err(not_one)?;
    // 0 is granted, 1 granted with changes (RFC 3161, section 2.4.2).
    if answer.status.status > 1 {
        return Err("the authority refuses to stamp");
    }
    let token = answer.token.ok_or("the answer holds no stamp")?;
    if token.content_type != SIGNED_DATA {
        return Err("the stamp isn't signed");
    }
    let signed: SignedData = token.content.decode_as().map_err(not_one)?;
    let content = &signed.encap_content_info;
    let content = match &content.econtent {
        Some(any) if content.econtent_type == TST_INFO => any,
        _ => return Err("the answer isn't a time stamp"),
    };
    let content = OctetString::from_der(&content.to_der().map_err(not_one)?).map_err(not_one)?;
    let info = tst_info(content.as_bytes()).ok_or("the answer isn't a time stamp")?;
    let own = digest::digest(&digest::SHA256, stamped);
    if info.imprint.algorithm.oid != SHA256 || info.imprint.digest.as_bytes() != own.as_ref() {
        return Err("the stamp is about something else");
    }
    let is_answer = info
        .nonce
        .is_some_and(|n| strip(n.as_bytes()) == strip(&nonce));
    if !is_answer {
        return Err("the stamp answers another request");
    }
    signed_by(&signed, content.as_bytes(), info.at, certificates)?;
    Ok(info.at)
}

/// A number without zeros before it: DER adds one if the first bit is set.
fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn tst_info(bytes: &[u8]) -> Option<TstInfo> {
    let fields: Vec<Any> = Vec::from_der(bytes).ok()?;
    // version, policy, messageImprint, serialNumber, genTime, then optional fields.
    let [_, _, imprint, _, at, optional @ ..] = &fields[..] else {
        return None;
    };
    if at.tag() != Tag::GeneralizedTime {
        return None;
    }
    let nonce = optional.iter().find(|field| field.tag() == Tag::Integer);
    Some(TstInfo {
        imprint: imprint.decode_as().ok()?,
        at: generalized_time(std::str::from_utf8(at.value()).ok()?)?,
        nonce: match nonce {
            Some(nonce) => Some(nonce.decode_as().ok()?),
            None => None,
        },
    })
}

/// Microseconds since 1970 of `YYYYMMDDhhmmss[.fraction]Z`.
fn generalized_time(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z')?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fits = seconds.len() == 14
        && fraction.len() <= 6
        && [seconds, fraction]
            .iter()
            .all(|t| t.bytes().all(|b| b.is_ascii_digit()));
    if !fits {
        return None;
    }
    let time = DateTime::strptime("%Y%m%d%H%M%S", seconds).ok()?;
    let micros: i64 = format!("{fraction:0<6}").parse().ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    time.as_microsecond().checked_add(micros)
}

/// Fails unless one signer has signed the content, with a certificate for stamping that one of
/// `certificates` vouches for at that time.
fn signed_by(
    signed: &SignedData,
    content: &[u8],
    at: i64,
    certificates: &str,
) -> Result<(), &'static str> {
    let signers = signed.signer_infos.0.as_slice();
    let [signer] = signers else {
        return Err("the stamp has not exactly one signature");
    };
    let known = time_certificates(certificates)?;
    let mut offered = known.clone();
    for choice in signed.certificates.iter().flat_map(|set| set.0.iter()) {
        if let CertificateChoices::Certificate(certificate) = choice {
            let der = certificate.to_der();
            offered.push(der.map_err(|_| "a certificate can't be read")?.into());
        }
    }
    let own = offered.iter().find(|c| is_of(c, &signer.sid));
    let own = own.ok_or("the signer's certificate isn't in the stamp, nor on record")?;
    let certificate = webpki::EndEntityCert::try_from(own)
        .map_err(|_| "the signer's certificate can't be read")?;
    let attributes = attributes(signer, content, own)?;
    let signature = signer.signature.as_bytes();
    let is_signed = ALGORITHMS.iter().any(|algorithm| {
        certificate
            .verify_signature(*algorithm, &attributes, signature)
            .is_ok()
    });
    if !is_signed {
        return Err("the stamp's signature isn't valid");
    }
    let anchors: Result<Vec<_>, _> = known.iter().map(webpki::anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(|_| "a certificate can't be read")?;
    let seconds = u64::try_from(at / 1_000_000).map_err(|_| "the stamp is of before 1970")?;
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let usage = webpki::KeyUsage::required(TIME_STAMPING);
    certificate
        .verify_for_usage(ALGORITHMS, &anchors, &offered, time, usage, None, None)
        .map(|_| ())
        .map_err(|_| "none of the certificates on record vouches for the signer")
}

/// The signed attributes as they are signed, once they are of this content and certificate.
fn attributes(
    signer: &SignerInfo,
    content: &[u8],
    certificate: &[u8],
) -> Result<Vec<u8>, &'static str> {
    let algorithm = match signer.digest_alg.oid {
        SHA256 => &digest::SHA256,
        SHA384 => &digest::SHA384,
        SHA512 => &digest::SHA512,
        _ => return Err("the stamp's digest isn't of SHA-2"),
    };
    let attributes = signer.signed_attrs.as_ref();
    let attributes = attributes.ok_or("the stamp has no signed attributes")?;
    let of = |oid: ObjectIdentifier| {
        let found = attributes.iter().find(|a| a.oid == oid)?;
        found.values.iter().next()
    };
    let kind: Option<ObjectIdentifier> = of(CONTENT_TYPE).and_then(|v| v.decode_as().ok());
    let digested: Option<OctetString> = of(MESSAGE_DIGEST).and_then(|v| v.decode_as().ok());
    let own = digest::digest(algorithm, content);
    if kind != Some(TST_INFO) || digested.is_none_or(|d| d.as_bytes() != own.as_ref()) {
        return Err("what is signed isn't the stamp");
    }
    // RFC 3161, section 2.4.2, and RFC 5816: the signature names its certificate.
    let named = match (of(SIGNING_CERTIFICATE_V2), of(SIGNING_CERTIFICATE)) {
        (Some(value), _) => certificate_digest(value, &digest::SHA256),
        (None, Some(value)) => certificate_digest(value, &digest::SHA1_FOR_LEGACY_USE_ONLY),
        (None, None) => None,
    };
    match named {
        Some((algorithm, named)) if digest::digest(algorithm, certificate).as_ref() == named => {
            // Signed as a set, and stored under an implicit tag (RFC 5652, section 5.4).
            attributes
                .to_der()
                .map_err(|_| "the stamp's attributes can't be read")
        }
        _ => Err("the signature doesn't name its certificate"),
    }
}

/// The digest of the certificate that an attribute names, and of which kind it is: the first
/// `ESSCertID` or `ESSCertIDv2` of it.
fn certificate_digest(
    value: &Any,
    usual: &'static digest::Algorithm,
) -> Option<(&'static digest::Algorithm, Vec<u8>)> {
    let parts: Vec<Any> = value.decode_as().ok()?;
    let certificates: Vec<Any> = parts.first()?.decode_as().ok()?;
    let fields: Vec<Any> = certificates.first()?.decode_as().ok()?;
    let (algorithm, named) = match &fields[..] {
        [kind, named, ..] if kind.tag() == Tag::Sequence => {
            let kind: AlgorithmIdentifier = kind.decode_as().ok()?;
            let algorithm = match kind.oid {
                SHA256 => &digest::SHA256,
                SHA384 => &digest::SHA384,
                SHA512 => &digest::SHA512,
                _ => return None,
            };
            (algorithm, named)
        }
        [named, ..] => (usual, named),
        [] => return None,
    };
    let named: OctetString = named.decode_as().ok()?;
    Some((algorithm, named.as_bytes().to_vec()))
}

/// True if this is the certificate that a signature names.
fn is_of(certificate: &[u8], signer: &SignerIdentifier) -> bool {
    let SignerIdentifier::IssuerAndSerialNumber(named) = signer else {
        // Authorities name it by issuer and number (RFC 3161 asks for no other way).
        return false;
    };
    // A chain of decoders that agree: the certificate in the stamp was read by the same one.
    cms::cert::x509::Certificate::from_der(certificate).is_ok_and(|c| {
        let own = &c.tbs_certificate;
        own.issuer == named.issuer && own.serial_number == named.serial_number
    })
}
