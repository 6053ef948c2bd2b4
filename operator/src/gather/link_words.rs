//! Faults of a link in words: each names the object or field and the way out.

use super::link::LinkFault;
use std::fmt;

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretMissing { secret } => write!(
                f,
                "spec.kubeconfigSecretRef: there is no Secret {secret}; create it with the kubeconfig of that cluster"
            ),
            Self::KeyMissing { secret, key } => write!(
                f,
                "spec.kubeconfigSecretRef: Secret {secret} holds nothing under the key {key}; put the kubeconfig there, or name its key in spec.kubeconfigSecretRef.key of a new Site"
            ),
            Self::SecretForbidden { secret } => write!(
                f,
                "spec.kubeconfigSecretRef: the operator may not read Secret {secret}; add its name to the chart's value remoteSites.kubeconfigSecrets"
            ),
            Self::SecretUnread { secret, error } => write!(
                f,
                "spec.kubeconfigSecretRef: Secret {secret} could not be read: {error}; it is tried again"
            ),
            Self::KubeconfigUnreadable { error } => write!(
                f,
                "the Secret's content is not a kubeconfig: {error}; write a valid one into the Secret"
            ),
            Self::KubeconfigIncomplete { part } => write!(
                f,
                "the kubeconfig has no usable {part}; write one with a current context, its cluster and a user with a token or a client certificate"
            ),
            Self::ExecRefused => f.write_str(
                "the kubeconfig asks to run a program (users[].user.exec), which is refused; give it the token of a ServiceAccount of that cluster",
            ),
            Self::AuthProviderRefused => f.write_str(
                "the kubeconfig asks for an auth provider (users[].user.auth-provider), which is refused; give it the token of a ServiceAccount of that cluster",
            ),
            Self::FilePathRefused { field } => write!(
                f,
                "the kubeconfig names a file ({field}), which is refused; put the content itself there (certificate-authority-data, client-certificate-data, client-key-data, token)"
            ),
            Self::InsecureRefused => f.write_str(
                "the kubeconfig has insecure-skip-tls-verify, which is refused; put the cluster's authority into certificate-authority-data",
            ),
            Self::ProxyRefused => f.write_str(
                "the kubeconfig has a proxy-url, which is refused; name an address of the cluster that the operator reaches by itself",
            ),
            Self::NoHost => f.write_str(
                "the kubeconfig's cluster.server is not an address with a host; set one such as https://cloud.example:6443",
            ),
            Self::NotTls => f.write_str(
                "the kubeconfig's cluster.server is not https; a credential goes over TLS only: set one such as https://cloud.example:6443",
            ),
            Self::Unauthorized => f.write_str(
                "the cluster does not accept the credential (401): it has expired or was withdrawn; write a new one into the Secret",
            ),
            Self::Forbidden { what } => write!(
                f,
                "the credential may not {what} there (403); apply the chart's manifest for remote clusters there, which grants it"
            ),
            Self::WrongCluster { expected, found } => write!(
                f,
                "the kubeconfig leads to the cluster {found}, not to {expected}; write the right one into the Secret, or set spec.clusterUid to {found} where the cluster was really replaced"
            ),
            Self::HubItself => f.write_str(
                "the kubeconfig leads to the operator's own cluster; make a Site with spec.nodes for nodes of this cluster, or write the other cluster's kubeconfig into the Secret",
            ),
            Self::Unreachable { error } => write!(
                f,
                "the cluster does not answer: {error}; see that its API server runs and that the operator may reach its address"
            ),
            Self::TooOld { version } => write!(
                f,
                "the cluster's API server is {version}, which has no ValidatingAdmissionPolicy v1 for the receiving guard; upgrade it to 1.30 or newer"
            ),
            Self::KindMissing { kind } => {
                write!(f, "the cluster has no {kind}, which a site needs; name another cluster")
            }
            Self::WritesFail { error } => write!(
                f,
                "writes to the cluster failed several times in a row: {error}; it is tried again once it answers"
            ),
        }
    }
}
