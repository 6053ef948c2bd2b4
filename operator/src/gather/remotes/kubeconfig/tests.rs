//! Kubeconfigs that people write into Secrets, sound and otherwise.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A certificate authority of nobody, in PEM and base64.
const CA: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
const TOKEN: &str = "eyJ-not-a-real-token";

fn sound() -> Value {
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://cloud.example:6443", "certificate-authority-data": CA}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}]})
}

fn with(pointer: &str, value: Value) -> Result<Config, LinkFault> {
    let mut file = sound();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap()[last] = value;
    read(file.to_string().as_bytes())
}

fn fault(pointer: &str, value: Value) -> LinkFault {
    with(pointer, value).err().unwrap()
}

const USER: &str = "/users/0/user";
const CLUSTER: &str = "/clusters/0/cluster";

#[test]
fn a_sound_one_gives_exactly_what_is_needed() {
    let config = read(sound().to_string().as_bytes()).unwrap();
    assert_eq!(config.cluster_url.host(), Some("cloud.example"));
    assert_eq!(config.root_cert.as_ref().map(Vec::len), Some(1));
    assert!(config.auth_info.token.is_some() && config.auth_info.exec.is_none());
    assert!(!config.default_retry && config.proxy_url.is_none());
    assert!(!config.accept_invalid_certs);
}

#[test]
fn yaml_is_as_good_as_json() {
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\n\
        clusters:\n- name: k\n  cluster: {server: 'https://10.0.0.1:6443/path'}\nusers:\n- name: u\n  user: {token: abc}\n";
    assert_eq!(read(text.as_bytes()).unwrap().cluster_url.path(), "/path");
}

#[test]
fn programs_files_and_ways_around_tls_are_refused() {
    let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh"});
    assert_eq!(fault(&format!("{USER}/exec"), exec), LinkFault::ExecRefused);
    let provider = json!({"name": "oidc", "config": {"id-token": "x"}});
    assert_eq!(
        fault(&format!("{USER}/auth-provider"), provider),
        LinkFault::AuthProviderRefused
    );
    for (part, key) in [
        (USER, "tokenFile"),
        (USER, "client-certificate"),
        (USER, "client-key"),
        (CLUSTER, "certificate-authority"),
    ] {
        let found = fault(&format!("{part}/{key}"), json!("/etc/shadow"));
        let LinkFault::FilePathRefused { field } = &found else {
            panic!("{found:?}");
        };
        assert!(field.ends_with(key));
        assert!(!found.to_string().contains("/etc/shadow"));
    }
    assert_eq!(
        fault(&format!("{CLUSTER}/insecure-skip-tls-verify"), json!(true)),
        LinkFault::InsecureRefused
    );
    assert_eq!(
        fault(&format!("{CLUSTER}/proxy-url"), json!("http://10.0.0.9")),
        LinkFault::ProxyRefused
    );
}

#[test]
fn the_address_needs_a_host_and_tls() {
    let server = |text: &str| fault(&format!("{CLUSTER}/server"), json!(text));
    assert_eq!(server("http://cloud.example"), LinkFault::NotTls);
    for text in [
        "",
        "/only/a/path",
        "cloud.example:6443",
        "https://",
        "::",
        "a b",
    ] {
        assert_eq!(server(text), LinkFault::NoHost, "{text:?}");
    }
    assert_eq!(
        fault(&format!("{CLUSTER}/server"), Value::Null),
        LinkFault::NoHost
    );
}

#[test]
fn what_is_missing_is_named() {
    let cases = [
        ("/current-context", json!(""), "current-context"),
        (
            "/current-context",
            json!("other"),
            "contexts[].context of that name",
        ),
        (
            "/contexts/0/context/cluster",
            json!("x"),
            "clusters[].cluster of that context",
        ),
        (
            "/contexts/0/context/user",
            json!("x"),
            "users[].user of that context",
        ),
        (
            "/users/0/user",
            json!({}),
            "token or client certificate in users[].user",
        ),
        ("/users/0/user/token", json!(""), "users[].user.token"),
        (
            "/users/0/user/token",
            json!("two lines\n"),
            "users[].user.token",
        ),
        (
            "/users/0/user/client-key-data",
            json!(CA),
            "users[].user.client-certificate-data",
        ),
        (
            "/users/0/user/client-certificate-data",
            json!(CA),
            "users[].user.client-key-data",
        ),
        (
            "/clusters/0/cluster/certificate-authority-data",
            json!("%%%"),
            "clusters[].cluster.certificate-authority-data",
        ),
        (
            "/clusters/0/cluster/certificate-authority-data",
            json!("aGFsbG8="),
            "clusters[].cluster.certificate-authority-data",
        ),
    ];
    for (pointer, value, part) in cases {
        assert_eq!(
            fault(pointer, value),
            LinkFault::KubeconfigIncomplete { part },
            "{pointer}"
        );
    }
}

#[test]
fn garbage_is_said_without_its_words() {
    let secret = "token: s3cr3t-of-mine";
    for text in [
        "",
        "  \n ",
        "just words s3cr3t",
        "[1, 2",
        "- s3cr3t",
        "users: s3cr3t-of-mine",
        "users:\n- name: {s3cr3t: 1}\n",
        "\u{0}\u{1}s3cr3t",
        "a: &a [*a, s3cr3t]",
        secret,
    ] {
        let found = read(text.as_bytes()).err().unwrap();
        assert!(found.refuses());
        for shown in [found.to_string(), format!("{found:?}")] {
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
    }
    assert!(read(&[0xff, 0xfe, 0x00]).is_err());
    let long = vec![b'a'; KUBECONFIG_MAX + 1];
    assert!(read(&long).is_err());
}

#[test]
fn an_alias_bomb_is_garbage_too() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let all = vec![format!("*a{}", i - 1); 10].join(", ");
        text.push_str(&format!("a{i}: &a{i} [{all}]\n"));
    }
    assert!(read(text.as_bytes()).is_err());
}

#[test]
fn a_key_that_is_no_key_is_refused_when_the_client_is_made() {
    let mut file = sound();
    file["users"][0]["user"] = json!({"client-certificate-data": CA, "client-key-data": CA});
    let config = read(file.to_string().as_bytes()).unwrap();
    let found = client(config).err().unwrap();
    assert!(matches!(found, LinkFault::KubeconfigUnreadable { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a Secret holds, it is a client or a fault, never a panic.
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    /// Nor does a sound one with bytes knocked out of it; and no fault repeats the token.
    #[test]
    fn damaged_ones_never_panic(place in 0usize..400, bytes in prop::collection::vec(any::<u8>(), 1..8)) {
        let mut file = sound().to_string().into_bytes();
        let place = place % file.len();
        let end = (place + bytes.len()).min(file.len());
        file.splice(place..end, bytes);
        if let Err(found) = read(&file) {
            prop_assert!(!found.to_string().contains("not-a-real-token"));
        }
    }
}
