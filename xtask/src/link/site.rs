//! Two network namespaces and the link between them, for as long as messages are sent.
//!
//! A namespace belongs to a thread and has no name, so that nothing is left behind however the program ends.

use super::kernel;
use super::shaper::{Counts, Direction, Shape};
use super::wire::{Receiver, Sender};
use super::{Link, Settings, real_time};
use crate::failure::{Failure, Outcome};
use rustix::fd::OwnedFd;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender as Outbox, channel};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const DEVICE: &str = "wan0";

/// The counts of both directions: up and down.
pub type Both = [Counts; 2];

/// Ends the threads of a site when it is dropped, by an error or a panic too.
struct Ending<'s>(&'s AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends messages over a link, and returns what came of them.
///
/// # Errors
/// If a namespace, a device or a route cannot be made, or if the work fails.
pub fn over<T: Send>(
    link: &Link,
    settings: &Settings,
    queue_bytes: f64,
    work: impl FnOnce(&Sender) -> std::io::Result<T> + Send,
) -> Outcome<(T, Both)> {
    let (stop, begun) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        let ending = Ending(&stop);
        let [(near_device, near_came), (far_device, far_came)] = [channel(), channel()];
        let (go, begin) = channel();
        let near = scope.spawn(move || {
            near_device.send(set_up(NEAR, FAR, settings)?).map_err(gone)?;
            begin.recv().map_err(gone)?;
            real_time(40);
            work(&Sender::new(FAR, begun)).map_err(|error| failure(&format!("sending over {link}"), &error))
        });
        let far = scope.spawn(|| receive(settings, begun, far_device, &stop));
        // A thread that failed has sent nothing; its own failure says why.
        let devices = (near_came.recv(), far_came.recv());
        let (Ok(near_end), Ok(far_end)) = devices else {
            drop((ending, go));
            return Err(first_failure(join(near).map(drop), join(far)));
        };
        let shape = Shape { mbps: link.mbps, one_way_ms: link.rtt_ms / 2.0, queue_bytes };
        let (sent, counts) = thread::scope(|inner| {
            let up = inner.spawn(|| Direction::new(&near_end, &far_end, shape).run(&stop));
            let down = inner.spawn(|| Direction::new(&far_end, &near_end, shape).run(&stop));
            let _ = go.send(());
            let sent = join(near);
            drop(ending);
            (sent, [up, down].map(|carrier| carrier.join().expect("a carrier does not panic")))
        });
        join(far)?;
        Ok((sent?, counts))
    })
}

/// Receives until it is to stop.
fn receive(settings: &Settings, begun: Instant, device: Outbox<OwnedFd>, stop: &AtomicBool) -> Outcome {
    let end = set_up(FAR, NEAR, settings)?;
    let receiver = Receiver::new(FAR, begun).map_err(|error| failure("listening", &error))?;
    device.send(end).map_err(gone)?;
    real_time(40);
    receiver.run(stop).map_err(|error| failure("receiving", &error))
}

/// Puts the calling thread into a namespace of its own with one device, and a route to the other end.
fn set_up(own: Ipv4Addr, other: Ipv4Addr, settings: &Settings) -> Outcome<OwnedFd> {
    kernel::own_network().map_err(|error| failure("making a network namespace", &error))?;
    let device = kernel::tun(DEVICE).map_err(|error| failure("making a TUN device", &error))?;
    let restart = if settings.idle_restart { "1" } else { "0" };
    set("tcp_slow_start_after_idle", restart)?;
    // What one connection has learned is not for the next.
    set("tcp_no_metrics_save", "1")?;
    let (own, other) = (own.to_string(), other.to_string());
    ip(&["link", "set", "lo", "up"])?;
    ip(&["addr", "add", &own, "peer", &other, "dev", DEVICE])?;
    ip(&["link", "set", DEVICE, "mtu", "1500", "txqueuelen", "10000", "up"])?;
    // By the route, so from the first packet: a socket that changes from bbr to cubic goes on pacing.
    ip(&["route", "replace", &other, "dev", DEVICE, "congctl", &settings.congestion])?;
    Ok(device)
}

fn set(name: &str, value: &str) -> Outcome {
    let path = format!("/proc/sys/net/ipv4/{name}");
    std::fs::write(&path, value).map_err(|error| failure(&path, &error))
}

fn ip(arguments: &[&str]) -> Outcome {
    let line = arguments.join(" ");
    let output = Command::new("ip").args(arguments).output().map_err(|error| failure("ip", &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`ip {line}` failed: {}", said.trim()).into())
}

fn failure(place: &str, error: &std::io::Error) -> Failure {
    format!("{place}: {error}").into()
}

fn gone<E>(_: E) -> Failure {
    "the other end of the link is gone; its own error says why".to_owned().into()
}

fn join<T>(thread: ScopedJoinHandle<'_, Outcome<T>>) -> Outcome<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The failure of the thread that failed first: the other one only lacks it.
fn first_failure(near: Outcome, far: Outcome) -> Failure {
    let both = [far, near].into_iter().filter_map(Result::err);
    both.reduce(|first, second| if first == gone(()) { second } else { first }).unwrap_or_else(|| gone(()))
}
