//! A process and everything that it started, by the kernel's own word.

use std::collections::BTreeMap;
use std::fs;

use crate::process::ProcessId;

/// The process with this number and all of its descendants, parents first.
#[must_use]
pub fn descendants(root: u32) -> Vec<ProcessId> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid else { continue };
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(pid) = family.get(next) {
        family.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    family.into_iter().filter_map(ProcessId::of).collect()
}

/// The second field after the program's name, which may hold anything.
fn parent(pid: u32) -> Option<u32> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_grandchild_is_of_the_family_and_a_sister_is_not() {
        let mut sister = Command::new("sleep").arg("20").spawn().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "sleep 20 & wait"])
            .spawn()
            .unwrap();
        let mut family = Vec::new();
        for _ in 0..200 {
            family = descendants(child.id());
            if family.len() == 2 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(family.len(), 2, "the shell and its sleep");
        for process in &family {
            assert_ne!(process.pid.unsigned_abs(), sister.id());
            process.signal(rustix::process::Signal::KILL).unwrap();
        }
        child.wait().unwrap();
        assert!(ProcessId::of(sister.id()).unwrap().is_alive());
        sister.kill().unwrap();
        sister.wait().unwrap();
    }
}
