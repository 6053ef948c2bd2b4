//! A Kubernetes quantity that may also stand in YAML as a plain whole number, as in an HPA. What
//! it is worth is read by whoever asks for it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{borrow::Cow, fmt};

/// Longest text of a quantity, in characters.
pub const TEXT_MAX: usize = 32;

/// A quantity as it stands in the spec: `100`, `"100"`, `500m`, `2Gi`.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(transparent)]
pub struct Number(pub String);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true, "maxLength": TEXT_MAX})
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Text)
    }
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity: a whole number or a text such as 500m")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        Ok(Number(text.to_owned()))
    }
    fn visit_string<E: de::Error>(self, text: String) -> Result<Number, E> {
        Ok(Number(text))
    }
    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Number, E> {
        Ok(Number(n.to_string()))
    }
    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Number, E> {
        Ok(Number(n.to_string()))
    }
    // The schema takes no fractions without quotes, but files that never saw a schema have them.
    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Number, E> {
        Ok(Number(n.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_the_same() {
        let read = |json: &str| serde_json::from_str::<Number>(json).unwrap().0;
        let texts = [
            read("100"),
            read("\"100\""),
            read("-1"),
            read("\"500m\""),
            read("0.5"),
        ];
        assert_eq!(texts, ["100", "100", "-1", "500m", "0.5"]);
        assert!(serde_json::from_str::<Number>("true").is_err());
        assert_eq!(
            serde_json::to_string(&Number("100".into())).unwrap(),
            "\"100\""
        );
    }
}
