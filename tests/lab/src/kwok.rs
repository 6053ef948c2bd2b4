//! KWOK: the stages that nodes and pods go through, and how it is started. A
//! pod becomes ready after its site's delay, counted from its binding.

use std::fmt::Write as _;

use anyhow::Result;

use crate::children::SpawnSpec;
use crate::credentials::component_kubeconfig;
use crate::files::write_private;
use crate::paths::StateDir;
use crate::programs::Programs;
use crate::spec::LabSpec;
use crate::usage;

/// Its name within the lab.
pub const NAME: &str = "kwok";
/// Label of the nodes that KWOK plays.
pub const NODE_LABEL: (&str, &str) = ("type", "kwok");
/// Pod addresses: of the range set aside for benchmarks, never routed.
const POD_RANGE: &str = "198.18.128.1/17";
const NODE_IP: &str = "198.18.0.1";
const LOOPBACK: &str = "127.0.0.1";
const LEASE_SECONDS: u32 = 40;

/// Writes the stages and says how to start KWOK; with a port it also serves what
/// pods use there.
///
/// # Errors
/// When the stages cannot be written.
pub fn command(
    programs: &Programs,
    dir: &StateDir,
    spec: &LabSpec,
    usage_port: Option<u16>,
) -> Result<SpawnSpec> {
    let config = dir.config("kwok.yaml");
    let mut text = stages(spec);
    let (label, value) = NODE_LABEL;
    // Where usage is asked for, nodes stand where it is served.
    let node_ip = if usage_port.is_some() {
        LOOPBACK
    } else {
        NODE_IP
    };
    let mut args = vec![
        format!("--kubeconfig={}", component_kubeconfig(dir, NAME).display()),
        format!("--config={}", config.display()),
        "--manage-all-nodes=false".into(),
        format!("--manage-nodes-with-label-selector={label}={value}"),
        format!("--node-lease-duration-seconds={LEASE_SECONDS}"),
        format!("--node-ip={node_ip}"),
        format!("--cidr={POD_RANGE}"),
    ];
    if let Some(port) = usage_port {
        let _ = write!(text, "---\n{}", usage::CONFIG);
        args.push(format!("--server-address={LOOPBACK}:{port}"));
    }
    write_private(&config, text.as_bytes())?;
    Ok(SpawnSpec::new(NAME, programs.kwok.clone(), args))
}

fn stages(spec: &LabSpec) -> String {
    let mut all = format!("{PARALLELISM}---\n{NODE_READY}---\n{NODE_HEARTBEAT}");
    for group in &spec.nodes {
        let _ = write!(
            all,
            "---\n{}",
            pod_ready(&group.site, milliseconds(group.ready_seconds))
        );
    }
    let _ = write!(
        all,
        "---\n{POD_READY_AGAIN}---\n{JOB_DONE}---\n{}",
        pod_gone(milliseconds(spec.pod_delete_seconds))
    );
    all
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 3600 s, validated
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1_000.0).round() as u64
}

/// A national service's pods arrive by the hundred: play many at a time.
const PARALLELISM: &str = r#"apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options:
  podPlayStageParallelism: 32
  nodePlayStageParallelism: 16
  nodeLeaseParallelism: 16
"#;

const NODE_READY: &str = r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.status.conditions.[] | select(.type == "Ready") | .status', operator: NotIn, values: ["True"]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      conditions:
      {{ range NodeConditions }}
      - type: {{ .type | Quote }}
        status: {{ .status | Quote }}
        reason: {{ .reason | Quote }}
        message: {{ .message | Quote }}
        lastHeartbeatTime: {{ $now | Quote }}
        lastTransitionTime: {{ $now | Quote }}
      {{ end }}
      addresses:
      - {type: InternalIP, address: {{ NodeIP | Quote }}}
      - {type: Hostname, address: {{ NodeName | Quote }}}
      nodeInfo:
        architecture: amd64
        operatingSystem: linux
        osImage: "Pinisi lab"
        kernelVersion: "0"
        containerRuntimeVersion: "kwok://{{ Version }}"
        kubeletVersion: "kwok-{{ Version }}"
        kubeProxyVersion: "kwok-{{ Version }}"
        bootID: ""
        machineID: ""
        systemUUID: ""
"#;

const NODE_HEARTBEAT: &str = r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-heartbeat}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.status.conditions.[] | select(.type == "Ready") | .status', operator: In, values: ["True"]}
  delay: {durationMilliseconds: 600000, jitterDurationMilliseconds: 610000}
  next:
    statusTemplate: |
      {{ $now := Now }}
      {{ $since := or .metadata.creationTimestamp $now }}
      conditions:
      {{ range NodeConditions }}
      - type: {{ .type | Quote }}
        status: {{ .status | Quote }}
        reason: {{ .reason | Quote }}
        message: {{ .message | Quote }}
        lastHeartbeatTime: {{ $now | Quote }}
        lastTransitionTime: {{ $since | Quote }}
      {{ end }}
"#;

/// A node that missed its leases had its pods marked unready; a kubelet puts that right itself.
const POD_READY_AGAIN: &str = r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready-again}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.phase', operator: In, values: [Running]}
    - {key: '.status.conditions.[] | select(.type == "Ready") | .status', operator: In, values: ["False"]}
  delay: {durationMilliseconds: 1000}
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
"#;

const JOB_DONE: &str = r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: job-done}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.phase', operator: In, values: [Running]}
    - {key: '.metadata.ownerReferences.[].kind', operator: In, values: [Job]}
  delay: {durationMilliseconds: 1000}
  next:
    statusTemplate: |
      {{ $now := Now }}
      phase: Succeeded
      conditions:
      - {type: Ready, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }}}
      - {type: ContainersReady, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }}}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        imageID: ""
        ready: false
        started: false
        restartCount: 0
        state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
      {{ end }}
"#;

/// A node of a site is told by its name, `SITE-NUMBER`.
fn pod_ready(site: &str, milliseconds: u64) -> String {
    format!(
        r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {{name: pod-ready-{site}}}
spec:
  resourceRef: {{apiGroup: v1, kind: Pod}}
  selector:
    matchExpressions:
    - {{key: '.metadata.deletionTimestamp', operator: DoesNotExist}}
    - {{key: '.status.phase', operator: In, values: [Pending]}}
    - {{key: '(.spec.nodeName // "") | test("^{site}-[0-9]+$")', operator: In, values: ["true"]}}
  delay: {{durationMilliseconds: {milliseconds}}}
{POD_READY}"#
    )
}

const POD_READY: &str = r#"  next:
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      startTime: {{ $now | Quote }}
      conditions:
      - {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
      {{ range .spec.readinessGates }}
      - {type: {{ .conditionType | Quote }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
      {{ end }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        imageID: ""
        ready: true
        started: true
        restartCount: 0
        state: {running: {startedAt: {{ $now | Quote }}}}
      {{ end }}
      {{ if .spec.initContainers }}
      initContainerStatuses:
      {{ range .spec.initContainers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        imageID: ""
        ready: true
        restartCount: 0
        {{ if eq .restartPolicy "Always" }}
        started: true
        state: {running: {startedAt: {{ $now | Quote }}}}
        {{ else }}
        state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
        {{ end }}
      {{ end }}
      {{ end }}
      {{ with NodeIPsWith .spec.nodeName }}
      hostIP: {{ index . 0 | Quote }}
      hostIPs:
      {{ range . }}
      - ip: {{ . | Quote }}
      {{ end }}
      {{ end }}
      {{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) (or .metadata.uid "") (or .metadata.name "") (or .metadata.namespace "") }}
      podIP: {{ index . 0 | Quote }}
      podIPs:
      {{ range . }}
      - ip: {{ . | Quote }}
      {{ end }}
      {{ end }}
"#;

fn pod_gone(milliseconds: u64) -> String {
    format!(
        r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {{name: pod-gone}}
spec:
  resourceRef: {{apiGroup: v1, kind: Pod}}
  selector:
    matchExpressions:
    - {{key: '.metadata.deletionTimestamp', operator: Exists}}
  delay: {{durationMilliseconds: {milliseconds}}}
  next:
    delete: true
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::NodeGroup;

    #[test]
    fn each_site_has_its_own_delay() {
        let spec = LabSpec::new(
            "x",
            vec![
                NodeGroup::home(1, "8", "16Gi"),
                NodeGroup::cloud(1, "8", "16Gi"),
            ],
        );
        let text = stages(&spec);
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).unwrap();
        let delay = |name: &str| {
            let stage = documents
                .iter()
                .find(|stage| stage["metadata"]["name"] == name)
                .unwrap();
            stage["spec"]["delay"]["durationMilliseconds"]
                .as_u64()
                .unwrap()
        };
        assert_eq!(delay("pod-ready-home"), 2_000);
        assert_eq!(delay("pod-ready-cloud"), 8_000);
        assert_eq!(delay("pod-gone"), 1_000);
    }
}
