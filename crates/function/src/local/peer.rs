//! Whose socket is at the other end: only processes of our own user may ask for a function's events.
//!
//! Official runtime clients carry no secret that could tell them from a stranger, but the kernel knows the owner of every
//! loopback socket. Looked up once per connection, and an environment has few.

use std::net::{SocketAddr, SocketAddrV4};

/// Whether the peer's socket belongs to our own user. Where the kernel does not say, as without `/proc`, it may ask.
pub(crate) fn is_own(peer: SocketAddr, local: SocketAddr) -> bool {
    let (SocketAddr::V4(peer), SocketAddr::V4(local)) = (peer, local) else { return false };
    match std::fs::read_to_string("/proc/net/tcp") {
        Ok(table) => owner(&table, peer, local) == Some(rustix::process::getuid().as_raw()),
        Err(_) => true,
    }
}

/// The owner of the socket at `peer` that is connected to `local`, from the kernel's table.
fn owner(table: &str, peer: SocketAddrV4, local: SocketAddrV4) -> Option<u32> {
    let (peer, local) = (written(peer), written(local));
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let matches = columns.next()? == peer && columns.next()? == local;
        if matches { columns.nth(4)?.parse().ok() } else { None }
    })
}

/// An address as the table has it: the four bytes as one number of this machine's order, and the port.
fn written(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn our_own_sockets_are_known_and_others_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, local) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
        assert!(is_own(peer, local));
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(!is_own(nobody, local));
    }

    #[test]
    fn the_owner_is_read_from_the_row_of_this_connection() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 1 1\n   \
                     1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 2 1\n";
        let at = |port| SocketAddrV4::new([127, 0, 0, 1].into(), port);
        if cfg!(target_endian = "little") {
            assert_eq!(owner(table, at(50_000), at(8080)), Some(65_534));
            assert_eq!(owner(table, at(50_001), at(8080)), None);
        }
    }
}
