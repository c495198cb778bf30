//! The ceiling: a bare hyper server that signs one RS256 token for each request and does nothing else. What
//! a token service on the same machine can reach at most; `cargo xtask bench` divides by it.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeySize, PrivateDecryptingKey},
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{convert::Infallible, io::Write, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// Claims of the size of a real application token's.
const CLAIMS: &str = concat!(
    "{\"aud\":\"https://api.powerplatform.com\",\"iss\":\"https://localhost:8443/b7a1c0de-0000-4000-8000-000000000001/\",",
    "\"iat\":1795424137,\"nbf\":1795424137,\"exp\":1795428037,\"aio\":\"iqeqEmn0jpRObgI8iPrqDiEt4rfHZwoRcECBDZlDQa2K\",",
    "\"app_displayname\":\"mine\",\"appid\":\"106a29b5-d9dc-4cc7-b027-04926015e885\",\"appidacr\":\"1\",",
    "\"idp\":\"https://localhost:8443/b7a1c0de-0000-4000-8000-000000000001/\",\"idtyp\":\"app\",",
    "\"oid\":\"2ba7f143-9c32-4bc4-bdbf-4875ec200ec6\",\"rh\":\"1.H_8R7G2ZroVTvkeartPUU5B6M4Aw_rs9wu44czt6wRwf_xHs.\",",
    "\"sub\":\"2ba7f143-9c32-4bc4-bdbf-4875ec200ec6\",\"tid\":\"b7a1c0de-0000-4000-8000-000000000001\",",
    "\"uti\":\"W7wIpY_z5kq9zbtnuYcKEQ\",\"ver\":\"1.0\"}"
);

struct Signer {
    key: RsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the ceiling is no part of Carnet and uses the library as it comes"
    )]
    fn new() -> Self {
        let made = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("the library makes keys");
        let der =
            AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&made).expect("the library writes keys");
        let key = RsaKeyPair::from_pkcs8(der.as_ref()).expect("the library reads its own keys");
        Self { key, random: SystemRandom::new() }
    }

    fn answer(&self) -> Bytes {
        let head = URL_SAFE_NO_PAD
            .encode("{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"xxi6jrWaBno5PTNuyza-PXa9h-I\"}");
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(CLAIMS));
        let mut signature = [0; 256];
        self.key
            .sign(&RSA_PKCS1_SHA256, &self.random, signed.as_bytes(), &mut signature)
            .expect("2048 bits sign");
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        format!("{{\"token_type\":\"Bearer\",\"expires_in\":3599,\"ext_expires_in\":3599,\"access_token\":\"{token}\"}}").into()
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin>(stream: S, signer: Arc<Signer>) {
    let service = service_fn(|request: Request<Incoming>| {
        let signer = signer.clone();
        async move {
            let _ = request.into_body().collect().await;
            let response = Response::builder().header("content-type", "application/json; charset=utf-8");
            Ok::<_, Infallible>(response.body(Full::new(signer.answer())).expect("the head is well formed"))
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions");
    let config =
        config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).expect("a pair");
    TlsAcceptor::from(Arc::new(config))
}

/// Listens on two free ports, plain and TLS, and says them on standard output.
#[tokio::main]
async fn main() -> std::io::Result<()> {
    let signer = Arc::new(Signer::new());
    let (plain, tls) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    writeln!(std::io::stdout(), "{} {}", plain.local_addr()?, tls.local_addr()?)?;
    let (acceptor, shared) = (acceptor(), signer.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = tls.accept().await {
            let _ = stream.set_nodelay(true);
            let (acceptor, signer) = (acceptor.clone(), shared.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    connection(stream, signer).await;
                }
            });
        }
    });
    loop {
        let (stream, _) = plain.accept().await?;
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(stream, signer.clone()));
    }
}
