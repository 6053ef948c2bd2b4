//! Every fault of a preflight, with the words that name object, field and way out.

use super::*;
use serde_json::json;

const HUB: &str = "hub-1";

fn wanted<'a>(template: &'a Value, carry: &'a [CarryRef]) -> Wanted<'a> {
    Wanted {
        site: "cloud",
        namespace: "shop",
        name: "web",
        hub: HUB,
        template,
        carry,
        may_make_namespace: false,
    }
}

fn secret(name: &str) -> CarryRef {
    CarryRef {
        kind: CarryKind::Secret,
        name: name.into(),
    }
}

fn needed(kind: Referred, name: &str) -> Reference {
    Reference {
        kind,
        name: name.into(),
    }
}

fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn there(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Seen<NamespaceSeen> {
    Seen::There(NamespaceSeen {
        labels: texts(labels),
        annotations: texts(annotations),
        terminating: false,
    })
}

/// Kind, object, and that each of `parts` stands in the text.
fn says(fault: &Refusal, kind: RefusalKind, object: &str, parts: &[&str]) {
    assert_eq!(
        (fault.kind, fault.object.as_str()),
        (kind, object),
        "{fault}"
    );
    for part in parts {
        assert!(fault.text.contains(part), "{part} in {fault}");
    }
}

fn one(faults: Vec<Refusal>) -> Refusal {
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.into_iter().next().unwrap()
}

const DENIED: &str = r#"secrets "tls" is forbidden: User "system:serviceaccount:pinisi-system:pinisi" cannot get resource "secrets" in API group "" in the namespace "shop""#;

#[test]
fn a_namespace_that_is_there_and_nobodys_is_used() {
    let template = json!({});
    for seen in [
        there(&[], &[]),
        there(&[(CLASS_LABEL, "MassTraffic")], &[]),
        there(&[(CLASS_LABEL, "MassTraffic")], &[(HUB_ANNOTATION, HUB)]),
    ] {
        assert_eq!(
            namespace(&wanted(&template, &[]), &seen),
            Ok(Namespace::Use)
        );
    }
}

#[test]
fn a_missing_namespace_is_made_only_where_the_site_allows_it() {
    let template = json!({});
    let mut wanted = wanted(&template, &[]);
    says(
        &namespace(&wanted, &Seen::Missing).unwrap_err(),
        RefusalKind::NamespaceMissing,
        "Namespace shop",
        &[
            "kubectl create namespace shop",
            "spec.createNamespaces",
            "Site cloud",
        ],
    );
    wanted.may_make_namespace = true;
    assert_eq!(namespace(&wanted, &Seen::Missing), Ok(Namespace::Make));
}

#[test]
fn a_namespace_of_somebody_else_is_left_alone() {
    let template = json!({});
    let wanted = Wanted {
        may_make_namespace: true,
        ..wanted(&template, &[])
    };
    let fault = |seen| namespace(&wanted, &seen).unwrap_err();
    says(
        &fault(there(&[(CLASS_LABEL, "Sensitive")], &[])),
        RefusalKind::NamespaceSensitive,
        "Namespace shop",
        &["pinisi.dev/class=Sensitive", "spec.placement.tiers"],
    );
    says(
        &fault(there(
            &[(CLASS_LABEL, "Sensitive")],
            &[(HUB_ANNOTATION, HUB)],
        )),
        RefusalKind::NamespaceSensitive,
        "Namespace shop",
        &[],
    );
    says(
        &fault(there(&[], &[(HUB_ANNOTATION, "hub-2")])),
        RefusalKind::NamespaceForeign,
        "Namespace shop",
        &["pinisi.dev/hub=hub-2"],
    );
    says(
        &fault(there(&[(CLASS_LABEL, "Batch")], &[])),
        RefusalKind::NamespaceForeign,
        "Namespace shop",
        &["pinisi.dev/class=Batch"],
    );
    let going = Seen::There(NamespaceSeen {
        terminating: true,
        ..NamespaceSeen::default()
    });
    says(
        &fault(going),
        RefusalKind::NamespaceTerminating,
        "Namespace shop",
        &["deleted"],
    );
    says(
        &fault(Seen::Forbidden("no".into())),
        RefusalKind::Forbidden,
        "Namespace shop",
        &["chart pinisi-site", "(no)"],
    );
}

#[test]
fn a_foreign_deployment_is_never_taken_over() {
    let template = json!({});
    let wanted = wanted(&template, &[]);
    for free in [Seen::Missing, Seen::There(Owner::Us)] {
        assert_eq!(deployment(&wanted, &free), Ok(()));
    }
    for (owner, words) in [
        (Owner::Somebody, "somebody else"),
        (Owner::Hub("hub-2".into()), "hub hub-2"),
        (Owner::Workload("api".into()), "HybridWorkload api"),
        (Owner::Site("edge".into()), "Site edge"),
    ] {
        says(
            &deployment(&wanted, &Seen::There(owner)).unwrap_err(),
            RefusalKind::DeploymentForeign,
            "Deployment web",
            &["shop/web", "left alone", words, "spec.placement.tiers"],
        );
    }
}

#[test]
fn what_the_template_needs_must_be_there_or_be_carried() {
    let template = json!({ "spec": {
        "serviceAccountName": "web",
        "priorityClassName": "high",
        "imagePullSecrets": [{ "name": "pull" }],
        "volumes": [{ "configMap": { "name": "settings" } }, { "secret": { "secretName": "tls" } }],
    } });
    let carry = [secret("tls")];
    let wanted = wanted(&template, &carry);
    let faults = super::template(&wanted, &BTreeMap::new());
    let found: Vec<_> = faults.iter().map(|f| (f.kind, f.object.as_str())).collect();
    assert_eq!(
        found,
        [
            (RefusalKind::ConfigMapMissing, "ConfigMap settings"),
            (RefusalKind::PullSecretMissing, "Secret pull"),
            (RefusalKind::ServiceAccountMissing, "ServiceAccount web"),
            (RefusalKind::PriorityClassMissing, "PriorityClass high"),
        ],
        "Secret tls is carried"
    );
    says(
        &faults[0],
        faults[0].kind,
        "ConfigMap settings",
        &["spec.template.spec.volumes[0].configMap", "spec.carry"],
    );
    says(
        &faults[2],
        faults[2].kind,
        "ServiceAccount web",
        &["kubectl create serviceaccount web --namespace shop"],
    );
    let seen = to_look_up(&wanted)
        .into_keys()
        .map(|reference| (reference, Seen::There(())))
        .collect();
    assert!(super::template(&wanted, &seen).is_empty());
}

#[test]
fn not_being_allowed_to_look_is_a_fault_with_the_command_that_mends_it() {
    let template = json!({ "spec": { "volumes": [{ "secret": { "secretName": "tls" } }] } });
    let wanted = wanted(&template, &[]);
    let seen = [
        (
            needed(Referred::Secret, "tls"),
            Seen::Forbidden(DENIED.into()),
        ),
        (needed(Referred::ServiceAccount, "default"), Seen::There(())),
    ]
    .into();
    says(
        &one(super::template(&wanted, &seen)),
        RefusalKind::Forbidden,
        "Secret tls",
        &[
            "kubectl create role pinisi-secrets-tls --namespace shop --verb=get --resource=secrets --resource-name=tls && kubectl create rolebinding pinisi-secrets-tls --namespace shop --role=pinisi-secrets-tls --user=system:serviceaccount:pinisi-system:pinisi",
        ],
    );
}

#[test]
fn a_template_that_names_a_node_cannot_travel() {
    let template = json!({ "spec": { "nodeName": "n1" } });
    let wanted = wanted(&template, &[]);
    let seen = [(needed(Referred::ServiceAccount, "default"), Seen::There(()))].into();
    says(
        &one(super::template(&wanted, &seen)),
        RefusalKind::NodeNamed,
        "Deployment web",
        &["spec.template.spec.nodeName", "n1"],
    );
}

#[test]
fn what_is_carried_must_be_at_home_and_readable_and_fit() {
    let template = json!({});
    let carry = [secret("tls")];
    let wanted = wanted(&template, &carry);
    let fault = |source: Option<Seen<Result<(), Unfit>>>| {
        let sources = source
            .into_iter()
            .map(|seen| (secret("tls"), seen))
            .collect();
        one(carried(&wanted, &sources, &BTreeMap::new()))
    };
    for missing in [None, Some(Seen::Missing)] {
        says(
            &fault(missing),
            RefusalKind::CarrySourceMissing,
            "Secret tls",
            &["spec.carry", "namespace shop"],
        );
    }
    says(
        &fault(Some(Seen::Forbidden(DENIED.into()))),
        RefusalKind::CarryForbidden,
        "Secret tls",
        &[
            "spec.carry",
            "kubectl create role pinisi-secrets-tls --namespace shop --verb=get --resource=secrets --resource-name=tls",
            "--user=system:serviceaccount:pinisi-system:pinisi",
        ],
    );
    says(
        &fault(Some(Seen::There(Err(Unfit::Sensitive)))),
        RefusalKind::CarryUnfit,
        "Secret tls",
        &["pinisi.dev/class=Sensitive"],
    );
    says(
        &fault(Some(Seen::There(Err(Unfit::BoundType(
            "kubernetes.io/service-account-token",
        ))))),
        RefusalKind::CarryUnfit,
        "Secret tls",
        &["kubernetes.io/service-account-token"],
    );
}

#[test]
fn a_foreign_object_in_the_place_of_a_copy_is_left_alone() {
    let template = json!({});
    let carry = [secret("tls")];
    let wanted = wanted(&template, &carry);
    let judge = |owner: Seen<Owner>| {
        let sources = [(secret("tls"), Seen::There(Ok(())))].into();
        carried(&wanted, &sources, &[(secret("tls"), owner)].into())
    };
    assert!(judge(Seen::Missing).is_empty() && judge(Seen::There(Owner::Us)).is_empty());
    assert!(
        judge(Seen::There(Owner::Workload("api".into()))).is_empty(),
        "workloads share copies"
    );
    says(
        &one(judge(Seen::There(Owner::Somebody))),
        RefusalKind::CarryForeign,
        "Secret tls",
        &["left alone", "Site cloud"],
    );
    says(
        &one(judge(Seen::There(Owner::Hub("hub-2".into())))),
        RefusalKind::CarryForeign,
        "Secret tls",
        &["hub-2"],
    );
    says(
        &one(judge(Seen::Forbidden(DENIED.into()))),
        RefusalKind::Forbidden,
        "Secret tls",
        &["--verb=get,create,patch,delete --resource=secrets"],
    );
}

#[test]
fn refusals_of_dry_runs_are_told_apart_by_the_servers_words() {
    let template = json!({});
    let wanted = wanted(&template, &[]);
    for (words, kind) in [
        (
            r#"pods "x" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=1, limited: cpu=1"#,
            RefusalKind::QuotaExceeded,
        ),
        (
            r#"pods "x" is forbidden: failed quota: small: must specify cpu for: web"#,
            RefusalKind::QuotaExceeded,
        ),
        (
            r#"pods "x" is forbidden: violates PodSecurity "restricted:latest": hostNetwork"#,
            RefusalKind::PodSecurity,
        ),
        (
            r#"pods "x" is forbidden: no PriorityClass with name high was found"#,
            RefusalKind::PriorityClassMissing,
        ),
        (
            r#"pods is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "shop""#,
            RefusalKind::Forbidden,
        ),
        (
            "admission webhook denied the request: no",
            RefusalKind::AdmissionRefused,
        ),
    ] {
        let fault = refused(&wanted, "a pod of Deployment web", words);
        says(&fault, kind, "a pod of Deployment web", &[words]);
    }
}

#[test]
fn what_is_not_valid_there_is_told_from_what_admission_denies() {
    let template = json!({});
    let wanted = wanted(&template, &[]);
    for (words, kind) in [
        (
            "Deployment.apps \"web\" is invalid: spec.selector: field is immutable",
            RefusalKind::Invalid,
        ),
        (
            "ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no",
            RefusalKind::AdmissionRefused,
        ),
    ] {
        says(
            &invalid(&wanted, "Deployment web", words),
            kind,
            "Deployment web",
            &[words],
        );
    }
}

#[test]
fn several_faults_are_said_at_once_and_bounded() {
    let faults = |n: usize| {
        (0..n)
            .map(|i| {
                refusal(
                    RefusalKind::SecretMissing,
                    format!("Secret {i}"),
                    "long text of a fault",
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(all_as_one(vec![]), None);
    let two = all_as_one(faults(2)).unwrap();
    assert_eq!(
        (two.object.as_str(), two.text.matches("long text").count()),
        ("Secret 0", 2)
    );
    assert!(all_as_one(faults(500)).unwrap().text.len() <= TEXT_MAX);
}
