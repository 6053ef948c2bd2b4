//! Loopback ports: a free one, or a fixed one with a clear word when it is taken.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use anyhow::{Result, anyhow};

/// A port kept bound until the program that will use it is started, so that
/// nothing else is given it in between.
#[derive(Debug)]
pub struct HeldPort {
    listener: TcpListener,
    port: u16,
}

impl HeldPort {
    /// The port's number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Lets the port go, for the program that is started next.
    pub fn release(self) -> u16 {
        drop(self.listener);
        self.port
    }
}

/// Holds the fixed port, or any free one when none is asked for.
///
/// # Errors
/// One line with the port, what it was for, and who holds it where that can be
/// told.
pub fn hold(fixed: Option<u16>, purpose: &str, option: &str) -> Result<HeldPort> {
    let wanted = fixed.unwrap_or(0);
    let listener =
        TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, wanted)).map_err(|error| {
            anyhow!(taken(
                wanted,
                purpose,
                option,
                &error,
                holder(wanted).as_deref()
            ))
        })?;
    let port = listener.local_addr()?.port();
    Ok(HeldPort { listener, port })
}

fn taken(
    port: u16,
    purpose: &str,
    option: &str,
    error: &std::io::Error,
    holder: Option<&str>,
) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let by = holder.map_or_else(|| "another program".to_owned(), str::to_owned);
            format!(
                "port {port} for {purpose} is taken by {by}; choose another with {option}, or leave it out for a free one"
            )
        }
        std::io::ErrorKind::PermissionDenied => {
            format!(
                "port {port} for {purpose} needs more rights; choose one above 1023 with {option}"
            )
        }
        _ if port == 0 => format!("no free loopback port for {purpose}: {error}"),
        _ => format!("port {port} for {purpose} cannot be used: {error}"),
    }
}

/// Name and pid of the program that listens on a loopback port, where `/proc`
/// lets us see it.
fn holder(port: u16) -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let socket = format!("socket:[{}]", listening_inode(&table, port)?);
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(descriptors) = std::fs::read_dir(entry.path().join("fd")) else {
            continue;
        };
        let holds = descriptors.flatten().any(|fd| {
            std::fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket.as_str())
        });
        if holds {
            let program = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", program.trim()));
        }
    }
    None
}

/// The inode of the socket that listens on `port` in a `/proc/net/tcp` table.
fn listening_inode(table: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.split_once(':')?;
        let matches =
            u16::from_str_radix(local_port, 16).ok()? == port && *fields.get(3)? == LISTEN;
        if matches {
            fields.get(9).copied()
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_itself_and_its_holder() {
        let held = hold(None, "a test", "--x").unwrap();
        let error = hold(Some(held.number()), "the API server", "--apiserver-port")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("port {}", held.number())),
            "{error}"
        );
        assert!(
            error.contains("the API server") && error.contains("--apiserver-port"),
            "{error}"
        );
        assert!(
            error.contains(&format!("(pid {})", std::process::id())),
            "{error}"
        );
        let number = held.release();
        // Another program of this machine may have it for a moment.
        let free = (0..50).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            hold(Some(number), "a test", "--x").is_ok()
        });
        assert!(free, "port {number} is not free again");
    }

    #[test]
    fn finds_the_listening_socket_only() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 01 00:00 00:00 00 0 0 111 1\n\
            1: 0100007F:1F90 00000000:0000 0A 00:00 00:00 00 0 0 222 1\n";
        assert_eq!(listening_inode(table, 8080), Some("222"));
        assert_eq!(listening_inode(table, 9090), None);
    }
}
