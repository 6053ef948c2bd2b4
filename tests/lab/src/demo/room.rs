//! How many replicas fit at home: the demo's own arithmetic, node by node, so
//! that the operator's is not held against itself. Pure.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// CPU and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Thousandths of a core.
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
}

impl Amount {
    /// Out of a map as nodes and containers have it; what is not named is 0.
    ///
    /// # Errors
    /// The quantity that cannot be read.
    pub fn of(map: &BTreeMap<String, Quantity>) -> Result<Self> {
        const MILLI: f64 = 1_000.0;
        let read =
            |name: &str, scale: f64| map.get(name).map_or(Ok(0), |text| quantity(&text.0, scale));
        Ok(Self {
            cpu_milli: read("cpu", MILLI)?,
            memory: read("memory", 1.0)?,
        })
    }

    /// What a pod requests: its containers together.
    ///
    /// # Errors
    /// The quantity that cannot be read.
    pub fn requested(pod: &PodSpec) -> Result<Self> {
        let mut sum = Self::default();
        for container in &pod.containers {
            let requests = container
                .resources
                .as_ref()
                .and_then(|all| all.requests.as_ref());
            if let Some(requests) = requests {
                sum = sum.plus(Self::of(requests)?);
            }
        }
        Ok(sum)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory: self.memory.saturating_add(other.memory),
        }
    }
}

/// One node at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRoom {
    /// What the node holds.
    pub holds: Amount,
    /// Most pods on it.
    pub pods: u32,
    /// Requests of what runs on it and is not mass traffic.
    pub taken: Amount,
    /// How many such pods.
    pub taken_pods: u32,
}

/// How many pods of this size these nodes take, each whole.
#[must_use]
pub fn fits(nodes: &[NodeRoom], one: Amount) -> u32 {
    nodes
        .iter()
        .map(|node| {
            let times = |holds: u64, taken: u64, one: u64| {
                let free = holds.saturating_sub(taken);
                u32::try_from(free.checked_div(one).unwrap_or(u64::MAX)).unwrap_or(u32::MAX)
            };
            times(node.holds.cpu_milli, node.taken.cpu_milli, one.cpu_milli)
                .min(times(node.holds.memory, node.taken.memory, one.memory))
                .min(node.pods.saturating_sub(node.taken_pods))
        })
        .fold(0, u32::saturating_add)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked just before
fn quantity(text: &str, scale: f64) -> Result<u64> {
    let digits = text
        .find(|sign: char| !sign.is_ascii_digit() && sign != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: f64 = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => bail!("cannot read the quantity {text:?}"),
    };
    let number: f64 = number
        .parse()
        .with_context(|| format!("cannot read the quantity {text:?}"))?;
    Ok((number * factor * scale).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn quantities_as_the_example_writes_them() {
        assert_eq!(quantity("500m", 1_000.0).unwrap(), 500);
        assert_eq!(quantity("1.5", 1_000.0).unwrap(), 1_500);
        assert_eq!(quantity("512Mi", 1.0).unwrap(), GIB / 2);
        assert_eq!(quantity("32Gi", 1.0).unwrap(), 32 * GIB);
        assert!(quantity("much", 1.0).is_err());
        assert!(quantity("-1", 1.0).is_err());
    }

    #[test]
    fn what_is_free_in_parts_of_two_nodes_holds_no_whole_replica() {
        let node = |taken_milli, taken_pods| NodeRoom {
            holds: Amount {
                cpu_milli: 2_000,
                memory: 4 * GIB,
            },
            pods: 3,
            taken: Amount {
                cpu_milli: taken_milli,
                memory: 0,
            },
            taken_pods,
        };
        let one = Amount {
            cpu_milli: 500,
            memory: GIB / 2,
        };
        assert_eq!(fits(&[node(1_600, 1), node(1_600, 1)], one), 0);
        assert_eq!(
            fits(&[node(0, 0)], one),
            3,
            "no more pods than the node takes"
        );
        assert_eq!(
            fits(&[node(900, 0), node(1_000, 2), node(9_000, 9)], one),
            2 + 1
        );
        assert_eq!(
            fits(
                &[node(0, 0)],
                Amount {
                    cpu_milli: 100,
                    memory: 3 * GIB
                }
            ),
            1
        );
    }
}
