//! Names of cluster-local Services in a pod template. They resolve in another cluster to that
//! cluster's Services, or to none. Pure text.

use serde_json::Value;

/// Label after a Service's name and namespace.
const SVC: &str = "svc";
/// The domain that most clusters have.
const DOMAIN: [&str; 2] = ["cluster", "local"];

/// A value of an environment variable that names a Service of the cluster that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalName {
    /// Path of the value in the object that holds the template.
    pub field: String,
    /// The name in it.
    pub name: String,
}

/// Every such name in values of environment variables of `spec.template`.
#[must_use]
pub fn of_template(template: &Value) -> Vec<LocalName> {
    let mut found = vec![];
    for kind in ["initContainers", "containers"] {
        for (at, container) in each(&template["spec"][kind]) {
            for (nth, variable) in each(&container["env"]) {
                let value = variable["value"].as_str().unwrap_or_default();
                found.extend(names(value).map(|name| LocalName {
                    field: format!("spec.template.spec.{kind}[{at}].env[{nth}].value"),
                    name: name.to_owned(),
                }));
            }
        }
    }
    found
}

fn names(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')))
        .map(|name| name.trim_end_matches('.'))
        .filter(|name| is_local(name))
}

/// `service.namespace.svc`, or `pod.service.namespace.svc`, with or without the cluster's domain. A
/// public name may have a label `svc` in it: the domain must then be the cluster's.
fn is_local(name: &str) -> bool {
    let labels: Vec<_> = name.split('.').collect();
    let whole = labels.iter().all(|label| !label.is_empty());
    let before = labels.strip_suffix(&DOMAIN).unwrap_or(&labels);
    whole && matches!(before, [_, _, svc] | [_, _, _, svc] if *svc == SVC)
}

fn each(list: &Value) -> impl Iterator<Item = (usize, &Value)> {
    list.as_array().into_iter().flatten().enumerate()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(value: &str) -> Vec<String> {
        let template =
            json!({ "spec": { "containers": [{ "env": [{ "name": "A" }, { "value": value }] }] } });
        let of_first = "spec.template.spec.containers[0].env[1].value";
        let all = of_template(&template).into_iter();
        all.inspect(|found| assert_eq!(found.field, of_first))
            .map(|found| found.name)
            .collect()
    }

    #[test]
    fn names_of_services_and_of_their_pods_are_found() {
        assert_eq!(found("http://db.shop.svc:80/x"), ["db.shop.svc"]);
        assert_eq!(
            found("a.b.svc.cluster.local.,pod-0.c.d.svc.cluster.local"),
            ["a.b.svc.cluster.local", "pod-0.c.d.svc.cluster.local"]
        );
        assert_eq!(found("pod-0.c.d.svc"), ["pod-0.c.d.svc"]);
    }

    #[test]
    fn what_is_no_such_name_is_not() {
        for harmless in [
            "",
            "svc",
            "db.svc",
            "https://svc.example.org",
            "http://a.b.svc.example.org",
            "..svc",
            "a..svc.cluster.local",
            "a.b.svcs",
            "a.b.c.d.svc",
        ] {
            assert!(found(harmless).is_empty(), "{harmless}");
        }
    }

    #[test]
    fn garbage_names_nothing_and_never_panics() {
        for garbage in [
            json!(null),
            json!([1]),
            json!({ "spec": "x" }),
            json!({ "spec": { "containers": [null, 3, { "env": "x" }, { "env": [{ "value": 3 }] }] } }),
        ] {
            assert!(of_template(&garbage).is_empty(), "{garbage}");
        }
    }
}
