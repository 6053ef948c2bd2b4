//! Identities in a lab for whoever comes from outside: kubeconfigs that hold
//! all they need in their text, tokens of ServiceAccounts, and tokens whose time
//! has passed.

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::BoundObjectReference;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use rcgen::{KeyPair, SigningKey as _};
use serde_json::Value;

use crate::base64;
use crate::credentials::{Authority, Token, kubeconfig, kubeconfig_token};
use crate::lab::Lab;
use crate::operator::{requested_token, service_account_token};

impl Lab {
    /// The admin's kubeconfig as a text without paths: authority and token stand
    /// in it. For a Secret; never print it.
    ///
    /// # Errors
    /// When the lab's files are gone.
    pub fn kubeconfig_text(&self) -> Result<String> {
        let path = self.kubeconfig_path();
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let token = kubeconfig_token(&text).context("the admin's kubeconfig has no token")?;
        self.kubeconfig_with(&token)
    }

    /// The same for whoever the token belongs to.
    ///
    /// # Errors
    /// When the lab's files are gone.
    pub fn kubeconfig_with(&self, token: &Token) -> Result<String> {
        let path = self.dir().secrets().join("ca.crt");
        let authority =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let authority = Authority::Inline(&authority);
        Ok(kubeconfig(self.apiserver_url(), authority, "pinisi", token))
    }

    /// A fresh token of a ServiceAccount, as its pods would get one.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn account_token(&self, namespace: &str, name: &str) -> Result<Token> {
        service_account_token(self, namespace, name).await
    }

    /// A token that can be taken back: it is good while this Secret, which is made
    /// here, exists in the account's namespace. Delete the Secret, and the API
    /// server refuses the token within the 10 s for which it remembers an answer.
    ///
    /// # Errors
    /// When there is no such account, or there is a Secret of that name.
    pub async fn revocable_token(
        &self,
        namespace: &str,
        name: &str,
        secret: &str,
    ) -> Result<Token> {
        let secrets: Api<Secret> = Api::namespaced(self.admin_client().await?, namespace);
        let mut made = Secret::default();
        made.metadata.name = Some(secret.to_owned());
        let made = secrets.create(&PostParams::default(), &made).await?;
        let bound_to = BoundObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Secret".into()),
            name: made.metadata.name,
            uid: made.metadata.uid,
        };
        requested_token(self, namespace, name, Some(bound_to)).await
    }

    /// The kubeconfig text of a ServiceAccount with a fresh token: what a remote
    /// cluster hands to the hub's operator.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn account_kubeconfig(&self, namespace: &str, name: &str) -> Result<String> {
        self.kubeconfig_with(&self.account_token(namespace, name).await?)
    }

    /// A token of the account that the cluster itself signed and whose time
    /// passed an hour ago.
    ///
    /// # Errors
    /// When there is no such account, or the lab's key is gone.
    pub async fn expired_token(&self, namespace: &str, name: &str) -> Result<Token> {
        const AN_HOUR: i64 = 60 * 60;
        let token = self.account_token(namespace, name).await?;
        self.token_until(&token, Timestamp::now().as_second() - AN_HOUR)
    }

    /// The same token, ending at this time (seconds since 1970), signed anew with
    /// the cluster's own key.
    ///
    /// # Errors
    /// When it is not a token of this lab, or the lab's key is gone.
    pub fn token_until(&self, token: &Token, end: i64) -> Result<Token> {
        let path = self.dir().secrets().join("service-account.key");
        let key = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        resign(token, &key, end)
    }
}

/// A token's time from issue to end where it is moved.
const MOVED_SECONDS: i64 = 60 * 60;

fn resign(token: &Token, key: &str, end: i64) -> Result<Token> {
    let mut parts = token.expose().split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        bail!("not a signed token");
    };
    let mut claims: Value = serde_json::from_slice(&base64::decode_url(claims)?)?;
    let begin = end.saturating_sub(MOVED_SECONDS);
    for (claim, time) in [("exp", end), ("iat", begin), ("nbf", begin)] {
        claims[claim] = Value::from(time);
    }
    let signed = format!(
        "{header}.{}",
        base64::encode_url(&serde_json::to_vec(&claims)?)
    );
    let signature = KeyPair::from_pem(key)
        .context("not the lab's key")?
        .sign(signed.as_bytes())?;
    let signature = base64::encode_url(&two_numbers(&signature)?);
    Ok(Token::new(format!("{signed}.{signature}")))
}

/// A token holds the signature's two numbers one after the other, 32 bytes each;
/// the library writes them as DER: `30 length 02 length number 02 length number`.
fn two_numbers(der: &[u8]) -> Result<Vec<u8>> {
    const NUMBER: usize = 32;
    let mut numbers = Vec::with_capacity(2 * NUMBER);
    let mut rest = der.get(2..).context("not a signature")?;
    for _ in 0..2 {
        let (Some(2), Some(&length)) = (rest.first(), rest.get(1)) else {
            bail!("not a signature");
        };
        let end = 2 + usize::from(length);
        let number = rest.get(2..end).context("not a signature")?;
        // Leading zeros say that a number is not negative; short ones are filled up.
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let digits = number.get(zeros..).unwrap_or_default();
        let missing = NUMBER
            .checked_sub(digits.len())
            .context("not a signature of this key")?;
        numbers.extend(std::iter::repeat_n(0, missing));
        numbers.extend_from_slice(digits);
        rest = rest.get(end..).unwrap_or_default();
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_become_32_bytes_each() {
        let short = [0x30, 8, 2, 2, 0, 0x81, 2, 2, 0x12, 0x34];
        let mut wanted = [0_u8; 64];
        wanted[31] = 0x81;
        wanted[62..].copy_from_slice(&[0x12, 0x34]);
        assert_eq!(two_numbers(&short).unwrap(), wanted);
        for broken in [&[][..], &[0x30], &[0x30, 3, 2, 40, 1], &[0x30, 3, 3, 1, 1]] {
            assert!(two_numbers(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn only_the_times_change() {
        let key = KeyPair::generate().unwrap().serialize_pem();
        let claims = base64::encode_url(br#"{"sub":"a","exp":1,"aud":["b"]}"#);
        let token = Token::new(format!("header.{claims}.signature"));
        let moved = resign(&token, &key, 7_200).unwrap();
        let parts: Vec<&str> = moved.expose().split('.').collect();
        assert_eq!((parts.len(), parts[0]), (3, "header"));
        let claims: Value = serde_json::from_slice(&base64::decode_url(parts[1]).unwrap()).unwrap();
        let wanted =
            serde_json::json!({"sub": "a", "aud": ["b"], "exp": 7_200, "iat": 3_600, "nbf": 3_600});
        assert_eq!(claims, wanted);
        assert_eq!(base64::decode_url(parts[2]).unwrap().len(), 64);
        assert!(resign(&Token::new("opaque".into()), &key, 1).is_err());
    }
}
