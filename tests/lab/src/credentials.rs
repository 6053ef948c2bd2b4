//! The lab's own authority, keys, tokens and kubeconfigs. All files have mode
//! 0600 in a folder of mode 0700, and none of it is ever printed.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::base64;
use crate::files::{private_dir, write_private};
use crate::paths::StateDir;

const TOKEN_BYTES: usize = 32;

/// A bearer token. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token over.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself: for a header or a file of mode 0600 only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn random() -> Result<Self> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .context("cannot read /dev/urandom")?;
        Ok(Self(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// Users that the API server knows by token; each component has its own, so
/// that the audit log tells them apart.
const USERS: [(&str, &str, &str); 9] = [
    ("admin", "lab-admin", "system:masters"),
    (
        "kube-controller-manager",
        "system:kube-controller-manager",
        "",
    ),
    ("kube-scheduler", "system:kube-scheduler", ""),
    ("kwok", "lab-kwok", "system:masters"),
    ("metrics-server", "lab-metrics-server", "system:masters"),
    ("metrics-adapter", "lab-metrics-adapter", "system:masters"),
    ("hpa", HPA_USER, "system:masters"),
    (PERSONS[0], PERSONS[0], ""),
    (PERSONS[1], PERSONS[1], ""),
];

/// Two people who may do nothing but what a test lets them.
pub const PERSONS: [&str; 2] = ["alice", "bob"];

/// Who an HPA controller in a process of its own is.
pub const HPA_USER: &str = "lab-hpa";
/// Whom the API server is to the API services behind it.
pub const FRONT_PROXY: &str = "front-proxy-client";

/// Paths of the files that [`create`] writes.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// The API server's certificate.
    pub server_certificate: PathBuf,
    /// The API server's key.
    pub server_key: PathBuf,
    /// The key that signs ServiceAccount tokens.
    pub service_account_key: PathBuf,
    /// Its public half, with which the tokens are checked.
    pub service_account_public_key: PathBuf,
    /// The API server's file of tokens.
    pub tokens: PathBuf,
    /// The authority by which API services know the API server.
    pub front_ca: PathBuf,
    /// The API server's certificate towards them.
    pub front_certificate: PathBuf,
    /// Its key.
    pub front_key: PathBuf,
}

/// The authority in a kubeconfig.
#[derive(Debug, Clone, Copy)]
pub enum Authority<'a> {
    /// In this file.
    File(&'a Path),
    /// This text.
    Inline(&'a [u8]),
}

/// Makes a new authority, keys and tokens, and a kubeconfig for each user.
///
/// # Errors
/// When a file cannot be written.
pub fn create(dir: &StateDir, apiserver_url: &str, service_ip: &str) -> Result<Credentials> {
    let secrets = dir.secrets();
    private_dir(&secrets)?;
    let path = |name: &str| secrets.join(name);
    let credentials = Credentials {
        ca: path("ca.crt"),
        server_certificate: path("apiserver.crt"),
        server_key: path("apiserver.key"),
        service_account_key: path("service-account.key"),
        service_account_public_key: path("service-account.pub"),
        tokens: path("tokens.csv"),
        front_ca: path("front-proxy-ca.crt"),
        front_certificate: path("front-proxy.crt"),
        front_key: path("front-proxy.key"),
    };
    let (ca, issuer) = authority()?;
    let (certificate, key) = server(&issuer, service_ip)?;
    write_private(&credentials.ca, ca.as_bytes())?;
    write_private(&credentials.server_certificate, certificate.as_bytes())?;
    write_private(&credentials.server_key, key.as_bytes())?;
    let (ca, issuer) = authority()?;
    let (certificate, key) = front_proxy(&issuer)?;
    write_private(&credentials.front_ca, ca.as_bytes())?;
    write_private(&credentials.front_certificate, certificate.as_bytes())?;
    write_private(&credentials.front_key, key.as_bytes())?;
    let signer = KeyPair::generate()?;
    write_private(
        &credentials.service_account_key,
        signer.serialize_pem().as_bytes(),
    )?;
    write_private(
        &credentials.service_account_public_key,
        signer.public_key_pem().as_bytes(),
    )?;
    let mut lines = String::new();
    for (file, user, groups) in USERS {
        let token = Token::random()?;
        lines.push_str(&format!("{},{user},{user},\"{groups}\"\n", token.expose()));
        let to = if file == "admin" {
            dir.kubeconfig()
        } else {
            path(&format!("{file}.kubeconfig"))
        };
        write_private(
            &to,
            kubeconfig(
                apiserver_url,
                Authority::File(&credentials.ca),
                user,
                &token,
            )
            .as_bytes(),
        )?;
    }
    write_private(&credentials.tokens, lines.as_bytes())?;
    Ok(credentials)
}

/// The kubeconfig of a component, or of a person, that [`create`] wrote.
#[must_use]
pub fn component_kubeconfig(dir: &StateDir, component: &str) -> PathBuf {
    dir.secrets().join(format!("{component}.kubeconfig"))
}

/// A kubeconfig's text for one user.
#[must_use]
pub fn kubeconfig(
    apiserver_url: &str,
    authority: Authority<'_>,
    user: &str,
    token: &Token,
) -> String {
    let authority = match authority {
        Authority::File(path) => {
            let path = serde_json::Value::from(path.to_string_lossy());
            format!("certificate-authority: {path}")
        }
        Authority::Inline(text) => {
            format!("certificate-authority-data: {}", base64::encode(text))
        }
    };
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         current-context: lab\n\
         clusters:\n\
         - name: lab\n\
         \x20 cluster:\n\
         \x20   server: {apiserver_url}\n\
         \x20   {authority}\n\
         users:\n\
         - name: {user:?}\n\
         \x20 user:\n\
         \x20   token: {token}\n\
         contexts:\n\
         - name: lab\n\
         \x20 context:\n\
         \x20   cluster: lab\n\
         \x20   user: {user:?}\n",
        token = token.expose(),
    )
}

/// The token in a kubeconfig that [`kubeconfig`] wrote.
#[must_use]
pub fn kubeconfig_token(text: &str) -> Option<Token> {
    let all: serde_json::Value = serde_saphyr::from_str(text).ok()?;
    let token = all["users"][0]["user"]["token"].as_str()?;
    Some(Token::new(token.to_owned()))
}

fn authority() -> Result<(String, Issuer<'static, KeyPair>)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "pinisi-lab");
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?.pem();
    Ok((certificate, Issuer::new(params, key)))
}

fn server(issuer: &Issuer<'static, KeyPair>, service_ip: &str) -> Result<(String, String)> {
    let names = [
        "127.0.0.1",
        "localhost",
        service_ip,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
    ];
    let mut params = CertificateParams::new(names.map(str::to_owned).to_vec())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "kube-apiserver");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}

fn front_proxy(issuer: &Issuer<'static, KeyPair>) -> Result<(String, String)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, FRONT_PROXY);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_are_for_their_owner_only_and_never_shown() {
        let temp = tempfile::tempdir().unwrap();
        let dir = StateDir::at(temp.path().to_owned());
        let made = create(&dir, "https://127.0.0.1:1", "198.18.64.1").unwrap();
        for path in [
            &made.ca,
            &made.server_key,
            &made.service_account_key,
            &made.front_key,
            &made.tokens,
            &dir.kubeconfig(),
        ] {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
        let first = std::fs::read_to_string(&made.tokens).unwrap();
        assert_eq!(first.lines().count(), USERS.len());
        create(&dir, "https://127.0.0.1:1", "198.18.64.1").unwrap();
        assert_ne!(
            first,
            std::fs::read_to_string(&made.tokens).unwrap(),
            "tokens must be random"
        );
        let ours = std::fs::read_to_string(dir.kubeconfig()).unwrap();
        let token = kubeconfig_token(&ours).unwrap();
        let inline = kubeconfig(
            "https://127.0.0.1:1",
            Authority::Inline(b"PEM"),
            "x",
            &token,
        );
        assert_eq!(kubeconfig_token(&inline), Some(token));
        let folder = temp.path().to_string_lossy().into_owned();
        assert!(
            ours.contains(&folder) && !inline.contains(&folder),
            "no paths"
        );
        assert!(inline.contains("certificate-authority-data: UEVN\n"));
        assert_eq!(format!("{:?}", Token::new("abc".into())), "Token(hidden)");
    }
}
