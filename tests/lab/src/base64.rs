//! Base64 as kubeconfigs, etcd and tokens have it. Kubernetes' own byte string
//! does the work; here are only the two alphabets.

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use serde_json::Value;

/// The common alphabet, with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    match serde_json::to_value(ByteString(bytes.to_vec())) {
        Ok(Value::String(text)) => text,
        // A byte string is written as a string, or not at all.
        _ => String::new(),
    }
}

/// Reads the common alphabet.
///
/// # Errors
/// When the text is not base64.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>> {
    let ByteString(bytes) =
        serde_json::from_value(Value::String(text.to_owned())).context("not base64")?;
    Ok(bytes)
}

/// The alphabet for URLs, without padding: the parts of a token.
pub(crate) fn encode_url(bytes: &[u8]) -> String {
    encode(bytes)
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

/// Reads the alphabet for URLs.
///
/// # Errors
/// When the text is not base64.
pub(crate) fn decode_url(text: &str) -> Result<Vec<u8>> {
    const GROUP: usize = 4;
    let mut common = text.replace('-', "+").replace('_', "/");
    while !common.len().is_multiple_of(GROUP) {
        common.push('=');
    }
    decode(&common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_come_back() {
        assert_eq!(encode(b"pinisi"), "cGluaXNp");
        assert_eq!(encode_url(&[0xfb, 0xff]), "-_8");
        for length in 0..9_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(97)).collect();
            assert_eq!(decode(&encode(&bytes)).unwrap(), bytes);
            assert_eq!(decode_url(&encode_url(&bytes)).unwrap(), bytes);
        }
        assert!(decode("not base64!").is_err());
    }
}
