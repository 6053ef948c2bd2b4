//! A cluster that cannot take a workload: the condition names what is missing and the way out, home
//! does what it can, other workloads are not disturbed, and what was mended is found.

use crate::cloud::{self, Clouds};
use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use pinisi_e2e::objects::{apply, condition, deployment, replicas};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;
use serde_json::json;

/// Home fills up, nothing goes to the cloud, and `Stalled` says why in this word, naming `object`.
pub async fn refused(clouds: &Clouds, ns: &str, reason: &str, object: &str) -> Result<()> {
    clouds.exporter.set(ns, "web", Offered::Rps(150.0));
    eventually(&format!("Stalled: {reason}"), 60, async || {
        let stalled = condition(&clouds.hub, ns, "web", "Stalled").await?;
        anyhow::ensure!(
            stalled
                .as_ref()
                .is_some_and(|(_, word, text)| word == reason && text.contains(object)),
            "{stalled:?}"
        );
        // Nothing else takes them: home goes above its watermark, to all that it holds.
        Ok(replicas(&clouds.hub, ns, "web")
            .await?
            .is_some_and(|(spec, _)| spec >= 6))
    })
    .await
}

/// What was refused is there after the next preflight.
async fn found(clouds: &Clouds, ns: &str) -> Result<()> {
    eventually("replicas there, after the next preflight", 90, async || {
        Ok(replicas(&clouds.there, ns, "web")
            .await?
            .is_some_and(|(_, ready)| ready > 0))
    })
    .await
}

#[test]
fn a_quota_that_is_too_small_is_shared_and_named_and_used_once_it_is_raised() {
    cloud::run(async |clouds| {
        let (ns, services) = ("small", ["api", "web"]);
        let quota = |cpu: &str| {
            json!({"apiVersion": "v1", "kind": "ResourceQuota",
                "metadata": {"name": "tiny", "namespace": ns}, "spec": {"hard": {"requests.cpu": cpu}}})
        };
        apply(&clouds.there, quota("1200m")).await?;
        for name in services {
            clouds
                .named_service(ns, name, &["cloud"], |_, _| {})
                .await?;
        }
        let away = async || -> Result<(i32, i32)> {
            let mut sum = (0, 0);
            for name in services {
                let (spec, ready) = replicas(&clouds.there, ns, name).await?.unwrap_or_default();
                sum = (sum.0 + spec, sum.1 + ready);
            }
            anyhow::ensure!(sum.0 <= 2, "the same room twice: {sum:?}");
            Ok(sum)
        };
        // Before the other holds its place at home, one alone would find room for all of its own.
        eventually("both serve at home", 60, async || {
            for name in services {
                let home = replicas(&clouds.hub, ns, name).await?;
                anyhow::ensure!(home == Some((2, 2)), "{name}: {home:?}");
            }
            Ok(true)
        })
        .await?;
        for name in services {
            clouds.exporter.set(ns, name, Offered::Rps(75.0));
        }
        eventually("two of 500m fit in the quota, no more", 60, async || {
            for name in services {
                let stalled = condition(&clouds.hub, ns, name, "Stalled").await?;
                anyhow::ensure!(
                    stalled.as_ref().is_some_and(|(status, word, text)| {
                        status == "True"
                            && word == "RemoteQuotaFull"
                            && text.contains("ResourceQuota small/tiny")
                            && text.contains("requests.cpu")
                    }),
                    "{name}: {stalled:?}"
                );
            }
            Ok(away().await? == (2, 2))
        })
        .await?;
        always("never more than the quota holds", 5, async || {
            away().await.map(|_| true)
        })
        .await?;
        apply(&clouds.there, quota("8")).await?;
        eventually("all are placed", 60, async || {
            for name in services {
                let short = condition(&clouds.hub, ns, name, "CapacityShort").await?;
                anyhow::ensure!(short.as_ref().is_some_and(|c| c.0 == "False"), "{short:?}");
            }
            Ok(true)
        })
        .await
    });
}

#[test]
fn a_missing_pull_secret_is_named_and_found_once_it_is_there() {
    cloud::run(async |clouds| {
        let ns = "pull";
        clouds
            .service(ns, |deployment, _| {
                deployment["spec"]["template"]["spec"]["imagePullSecrets"] =
                    json!([{"name": "registry"}]);
            })
            .await?;
        refused(clouds, ns, "RemotePullSecretMissing", "registry").await?;
        assert!(replicas(&clouds.there, ns, "web").await?.is_none());
        apply(&clouds.there, json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": "registry", "namespace": ns}, "stringData": {".dockerconfigjson": "{\"auths\":{}}"}}))
        .await?;
        found(clouds, ns).await
    });
}

#[test]
fn a_missing_config_map_disturbs_no_other_workload_of_the_namespace() {
    cloud::run(async |clouds| {
        let ns = "map";
        clouds
            .service(ns, |deployment, _| {
                deployment["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
                    json!([{"configMapRef": {"name": "settings"}}]);
            })
            .await?;
        clouds
            .named_service(ns, "api", &["cloud"], |_, _| {})
            .await?;
        clouds.exporter.set(ns, "api", Offered::Rps(75.0));
        refused_beside(clouds, ns).await?;
        let settings = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": ns}, "data": {"a": "b"}});
        apply(&clouds.there, settings).await?;
        found(clouds, ns).await
    });
}

/// `web` is refused for its ConfigMap while `api` beside it goes to the cloud.
async fn refused_beside(clouds: &Clouds, ns: &str) -> Result<()> {
    clouds.exporter.set(ns, "web", Offered::Rps(75.0));
    eventually("one is refused, the other goes", 60, async || {
        let stalled = condition(&clouds.hub, ns, "web", "Stalled").await?;
        anyhow::ensure!(
            stalled.as_ref().is_some_and(|(_, word, text)| {
                word == "RemoteConfigMapMissing"
                    && text.contains("ConfigMap settings")
                    && text.contains("containers[0].envFrom[0].configMapRef")
                    && text.contains("spec.carry")
            }),
            "{stalled:?}"
        );
        let other = condition(&clouds.hub, ns, "api", "Stalled").await?;
        anyhow::ensure!(other.as_ref().is_some_and(|c| c.0 == "False"), "{other:?}");
        anyhow::ensure!(replicas(&clouds.there, ns, "web").await?.is_none());
        Ok(replicas(&clouds.there, ns, "api")
            .await?
            .is_some_and(|(spec, ready)| spec >= 1 && ready == spec))
    })
    .await
}

#[test]
fn a_policy_that_refuses_is_named_in_its_own_words() {
    cloud::run(async |clouds| {
        let (ns, name) = ("policy", "no-web-here");
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns}},
                    "resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"],
                        "operations": ["CREATE"], "resources": ["deployments"]}],
                },
                "validations": [{"expression": "object.metadata.name != 'web'",
                    "message": "web belongs in the data centre"}],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        });
        apply(&clouds.there, policy).await?;
        apply(&clouds.there, binding).await?;
        eventually("the policy is enforced", 30, async || {
            let params = PatchParams::apply("e2e").dry_run();
            let web = Patch::Apply(deployment(ns, "web", "cloud", 1, 100));
            let api = Api::<Deployment>::namespaced(clouds.there.clone(), ns);
            Ok(api.patch("web", &params, &web).await.is_err())
        })
        .await?;
        clouds.service(ns, |_, _| {}).await?;
        refused(
            clouds,
            ns,
            "RemoteAdmissionRefused",
            "web belongs in the data centre",
        )
        .await?;
        let (_, _, text) = condition(&clouds.hub, ns, "web", "Stalled")
            .await?
            .unwrap_or_default();
        assert!(
            text.contains(name) && text.contains("spec.template"),
            "{text}"
        );
        assert!(replicas(&clouds.there, ns, "web").await?.is_none());
        Ok(())
    });
}

#[test]
fn pod_security_that_refuses_is_named_and_passes_once_it_is_looser() {
    cloud::run(async |clouds| {
        let ns = "strict";
        let enforce = |level: &str| {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns, "labels": {
                "pinisi.dev/class": "MassTraffic", "pod-security.kubernetes.io/enforce": level}}})
        };
        apply(&clouds.there, enforce("restricted")).await?;
        clouds.service(ns, |_, _| {}).await?;
        refused(clouds, ns, "RemotePodSecurity", "runAsNonRoot").await?;
        assert!(replicas(&clouds.there, ns, "web").await?.is_none());
        apply(&clouds.there, enforce("privileged")).await?;
        found(clouds, ns).await
    });
}
