//! TLS on this server's own listener: a renewed certificate, what is no TLS, what can't be used.

mod bench;

use std::path::Path;
use std::sync::Arc;

use bench::http::bench;
use obhut_server::Tls;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Writes a new certificate for localhost and its key.
fn renewed(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

fn read(folder: &Path) -> std::io::Result<Tls> {
    Tls::read(&folder.join("cert.pem"), &folder.join("key.pem"))
}

/// What a client that trusts only this certificate is answered.
async fn ask(
    address: std::net::SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await?;
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let b = bench().await;
    let folder = tempfile::tempdir().unwrap();
    let first = renewed(folder.path());
    let tls = Arc::new(read(folder.path()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(obhut_server::serve_over_tls(
        listener,
        tls.clone(),
        b.app.clone(),
        10,
        async {
            let _ = stopped.await;
        },
    ));
    assert!(ask(address, &first).await.unwrap().contains("\"ok\""));
    // Who speaks no TLS gets no answer, and keeps no one else from one.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    let silent = TcpStream::connect(address).await.unwrap();
    assert!(ask(address, &first).await.is_ok());

    assert!(!tls.refresh().unwrap(), "nothing has changed");
    // Between the two files of a renewal the former pair stays in use.
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();
    let second = renewed(folder.path());
    let new_key = std::fs::read(folder.path().join("key.pem")).unwrap();
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    let e = tls.refresh().unwrap_err();
    assert!(e.to_string().contains("key.pem"), "{e}");
    assert!(ask(address, &first).await.is_ok());
    assert!(ask(address, &second).await.is_err());
    std::fs::write(folder.path().join("key.pem"), new_key).unwrap();
    assert!(tls.refresh().unwrap());
    assert!(ask(address, &second).await.is_ok());
    assert!(ask(address, &first).await.is_err());

    stop.send(()).unwrap();
    // A client that never greets doesn't keep the server from stopping.
    serving.await.unwrap();
    drop(silent);
}

#[test]
fn what_is_no_certificate_with_its_key_is_refused_with_the_files_name() {
    let folder = tempfile::tempdir().unwrap();
    renewed(folder.path());
    let other = tempfile::tempdir().unwrap();
    renewed(other.path());
    let long = "x".repeat(300 << 10);
    let of = |folder: &Path, file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let (cert, key) = (of(folder.path(), "cert.pem"), of(folder.path(), "key.pem"));
    for (cert, key, named) in [
        (String::new(), key.clone(), "cert.pem"),
        (key.clone(), key.clone(), "cert.pem"),
        (long, key.clone(), "cert.pem"),
        (cert.clone(), cert.clone(), "key.pem"),
        (cert, of(other.path(), "key.pem"), "key.pem"),
    ] {
        std::fs::write(folder.path().join("cert.pem"), cert).unwrap();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        let e = read(folder.path()).err().unwrap().to_string();
        assert!(e.contains(named), "{e}");
    }
    std::fs::remove_file(folder.path().join("cert.pem")).unwrap();
    assert!(
        read(folder.path())
            .err()
            .unwrap()
            .to_string()
            .contains("cert.pem")
    );
}
