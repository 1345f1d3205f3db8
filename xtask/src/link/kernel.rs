//! The three calls of the kernel that no safe interface has. All unsafe code of the house stands here.
#![allow(unsafe_code, reason = "no crate of the house wraps these calls safely")]

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Opcode, Setter, ioctl};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use serde::Serialize;
use std::io;
use std::net::TcpStream;

/// `TUNSETIFF` of `linux/if_tun.h`.
const TUNSETIFF: Opcode = 0x4004_54ca;
/// `IFF_TUN | IFF_NO_PI`: packets of IP without a header before them.
const PLAIN_PACKETS: u16 = 0x1001;
/// Bytes of `struct ifreq`, and of the name in it.
const REQUEST: usize = 40;
const NAME: usize = 16;

/// Moves the calling thread, and the programs that it starts, into a network namespace of its own. It goes when the last
/// thread and the last file in it are gone, however they end.
pub fn own_network() -> io::Result<()> {
    // SAFETY: the call must not unshare files, and does not: the flag names the network alone.
    Ok(unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?)
}

/// A TUN device of that name in the namespace of the calling thread. It is read and written packet by packet, without
/// waiting, and goes with its file.
pub fn tun(name: &str) -> io::Result<OwnedFd> {
    let file = rustix::fs::open("/dev/net/tun", OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
    let mut request = [0u8; REQUEST];
    let length = name.len().min(NAME - 1);
    request[..length].copy_from_slice(&name.as_bytes()[..length]);
    request[NAME..NAME + 2].copy_from_slice(&PLAIN_PACKETS.to_ne_bytes());
    // SAFETY: the kernel reads and writes one `struct ifreq` through the pointer: 40 bytes at most, which are there.
    unsafe { ioctl(&file, Setter::<TUNSETIFF, [u8; REQUEST]>::new(request)) }?;
    Ok(file)
}

/// The state of a connection's congestion control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Window {
    /// Packets that may be in flight.
    pub cwnd: u32,
    /// Packets from which on it grows slowly; none before a loss or the end of slow start.
    pub ssthresh: Option<u32>,
    /// The retransmission timeout, in milliseconds.
    pub rto_ms: f64,
    /// The smoothed round-trip time, in milliseconds.
    pub rtt_ms: f64,
    /// Packets that were sent again, since the connection began.
    pub sent_again: u32,
}

/// The window of a connection, by `TCP_INFO`.
pub fn window(connection: &TcpStream) -> io::Result<Window> {
    // The head of `struct tcp_info`, which newer kernels only append to.
    let mut info = [0u32; 26];
    let mut length = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes behind the pointer, which are there, and the new length.
    let result = unsafe {
        libc::getsockopt(
            connection.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let [rto, rtt, ssthresh, cwnd, sent_again] = [2, 17, 19, 20, 25];
    let ms = |place: usize| f64::from(info[place]) / 1e3;
    // The kernel's word for no threshold.
    let threshold = Some(info[ssthresh]).filter(|packets| *packets < 0x7fff_ffff);
    Ok(Window { cwnd: info[cwnd], ssthresh: threshold, rto_ms: ms(rto), rtt_ms: ms(rtt), sent_again: info[sent_again] })
}
