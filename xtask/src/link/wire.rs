//! Messages over a connection: a length and as many bytes, and an answer of 16 bytes that says when the last one came.

use super::kernel::{Window, window};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes of the length before a message.
pub const PREFIX: usize = 8;
/// Bytes of an answer.
const ANSWER: usize = 16;
/// Longest time for a message: a link that is set up wrongly says so.
const PATIENCE: Duration = Duration::from_secs(30);
/// Port of the receiver; nobody else is in its namespace.
const PORT: u16 = 9000;

/// The sender of messages.
pub struct Sender {
    to: SocketAddrV4,
    begun: Instant,
}

/// A connection with the sender at its end.
pub struct Connection<'s> {
    stream: TcpStream,
    sender: &'s Sender,
}

/// A message that has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Time from the call that writes it to the last byte at the receiver, in milliseconds.
    pub one_way_ms: f64,
    /// The window before the message.
    pub before: Window,
    /// The window when all of the message was handed to the kernel.
    pub after: Window,
}

impl Sender {
    /// A sender to an address, on the receiver's clock.
    pub fn new(to: Ipv4Addr, begun: Instant) -> Self {
        Self { to: SocketAddrV4::new(to, PORT), begun }
    }

    /// Opens a connection, and returns the time of its handshake in milliseconds too.
    pub fn connect(&self) -> io::Result<(Connection<'_>, f64)> {
        let before = Instant::now();
        let stream = TcpStream::connect_timeout(&self.to.into(), PATIENCE)?;
        let handshake_ms = before.elapsed().as_secs_f64() * 1e3;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok((Connection { stream, sender: self }, handshake_ms))
    }
}

impl Connection<'_> {
    /// Sends a message of so many bytes in one write, its length included in it, and waits for the answer.
    pub fn send(&mut self, bytes: usize) -> io::Result<Sent> {
        let mut message = vec![7u8; PREFIX + bytes];
        message[..PREFIX].copy_from_slice(&(bytes as u64).to_le_bytes());
        let before = window(&self.stream)?;
        let sent = self.sender.begun.elapsed();
        self.stream.write_all(&message)?;
        let after = window(&self.stream)?;
        let mut answer = [0u8; ANSWER];
        self.stream.read_exact(&mut answer)?;
        let [arrived, length] = [0, 8].map(|at| u64::from_le_bytes(answer[at..at + 8].try_into().expect("8 bytes")));
        if length != bytes as u64 {
            return Err(io::Error::other(format!("{length} bytes were answered of {bytes}")));
        }
        let one_way = Duration::from_nanos(arrived).saturating_sub(sent);
        Ok(Sent { one_way_ms: one_way.as_secs_f64() * 1e3, before, after })
    }
}

/// The receiving end.
pub struct Receiver {
    listener: TcpListener,
    begun: Instant,
}

impl Receiver {
    /// Listens at an address of the calling thread's namespace.
    pub fn new(at: Ipv4Addr, begun: Instant) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddrV4::new(at, PORT))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, begun })
    }

    /// Answers messages, one connection after the other, until it is to stop.
    pub fn run(&self, stop: &AtomicBool) -> io::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            if !is_ready(&self.listener)? {
                continue;
            }
            match self.listener.accept() {
                Ok((stream, _)) => self.answer(stream, stop)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Answers the messages of a connection until it is closed.
    fn answer(&self, mut stream: TcpStream, stop: &AtomicBool) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut buffer = vec![0u8; 1 << 20];
        let (mut prefix, mut known, mut left) = ([0u8; PREFIX], 0, 0u64);
        while !stop.load(Ordering::Relaxed) {
            if !is_ready(&stream)? {
                continue;
            }
            let most = if known < PREFIX { PREFIX - known } else { buffer.len().min(left as usize) };
            let came = match stream.read(&mut buffer[..most]) {
                Ok(0) => return Ok(()),
                Ok(came) => came,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error),
            };
            if known < PREFIX {
                prefix[known..known + came].copy_from_slice(&buffer[..came]);
                known += came;
                left = u64::from_le_bytes(prefix);
            } else {
                left -= came as u64;
            }
            if known == PREFIX && left == 0 {
                let arrived = self.begun.elapsed().as_nanos() as u64;
                let answer = [arrived.to_le_bytes(), prefix].concat();
                stream.write_all(&answer)?;
                known = 0;
            }
        }
        Ok(())
    }
}

/// Waits a moment for something to read.
fn is_ready(file: &impl AsFd) -> io::Result<bool> {
    let timeout = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
