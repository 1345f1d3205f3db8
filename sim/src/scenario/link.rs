//! The `[link]` table.

use super::ways::{Share, hop_table};
use engine::{Connections, HopSpec, LinkSpec, TcpSpec};
use kernel::Tcp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

hop_table! {
    /// The link between the edges and the cloud.
    Link {
        /// Round-trip time charged to an upload of an input: half (default), or one whole per modality (Eq. 8 as printed).
        pub t_comm_rtt: InputRtt,
        /// Header bytes of every packet; default 66 B: Ethernet, IP, TCP.
        pub header: Bytes,
        /// Payload of a full packet; default 1,448 B: TCP over Ethernet.
        pub packet: Bytes,
        /// Mean of an exponential delay added to half the RTT, e.g. `2 ms`; default 0.
        pub jitter: SimDuration,
        /// Transport of messages: by the window of TCP (`tcp`, default), or whole at the link's rate (`ideal`, Eq. 8 of the MSAO paper).
        pub transport: Transport,
        /// Congestion control of TCP; default `cubic`.
        pub congestion: Congestion,
        /// Packets of a new connection's first flight; default 10 (RFC 6928).
        pub initial_window: u32,
        /// Largest window that a receiver offers; default 3 MiB, half of Linux's largest receive buffer.
        pub receive_window: Bytes,
        /// True, the default, halves the window for each retransmission timeout of silence (Linux's `tcp_slow_start_after_idle`).
        pub idle_restart: bool,
        /// Connections: one kept for each edge (`kept`, default), or a new one for each request.
        pub connection: Connection,
        /// Round trips of TLS when a connection is made: 0 (default), 1 (TLS 1.3) or 2 (TLS 1.2).
        pub tls: u32,
    }
}

/// The transport of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Flights by the window of TCP: a new connection, or one after silence, needs round trips for a large message.
    #[default]
    Tcp,
    /// Whole at the link's rate (Eq. 8).
    Ideal,
}

/// The congestion control of TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Congestion {
    /// CUBIC with HyStart.
    #[default]
    Cubic,
    /// BBR: messages are paced.
    Bbr,
}

/// The connections between edges and cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// One for each edge, open from the beginning.
    #[default]
    Kept,
    /// A new one for each request: a handshake, and the window of a new connection.
    PerRequest,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            bandwidth: Some(BitsPerSecond::from_mbps(400).into()),
            up: None,
            down: None,
            rtt: Some(SimDuration::from_ms(20).into()),
            delay_up: None,
            delay_down: None,
            loss: Some(Ratio::ZERO.into()),
            loss_up: None,
            loss_down: None,
            queue: None,
            outage: None,
            sharing: Some(Share::default()),
            start: None,
            t_comm_rtt: InputRtt::default(),
            header: Bytes::new(66),
            packet: Bytes::new(1448),
            jitter: SimDuration::ZERO,
            transport: Transport::default(),
            congestion: Congestion::default(),
            initial_window: 10,
            receive_window: Bytes::new(3 << 20),
            idle_restart: true,
            connection: Connection::default(),
            tls: 0,
        }
    }
}

/// The round-trip time charged to an upload of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputRtt {
    /// Half the RTT, as for any message.
    #[default]
    Half,
    /// One whole RTT for each modality, as Eq. 8 is printed.
    Literal,
}

impl Link {
    /// The link of these hops.
    pub fn resolve(&self, hops: Vec<HopSpec>) -> LinkSpec {
        let Self { header, packet, jitter, .. } = *self;
        let rtt_per_modality = self.t_comm_rtt == InputRtt::Literal;
        LinkSpec { hops, transport: self.transport(), rtt_per_modality, header, packet, jitter }
    }

    /// Leaves the keys to `[[hop]]` that its tables have.
    pub fn leave_to_hops(&mut self) {
        (self.bandwidth, self.rtt, self.loss, self.sharing) = (None, None, None, None);
    }

    fn transport(&self) -> engine::Transport {
        let Self { congestion, initial_window, receive_window, idle_restart, connection, tls, packet, .. } = *self;
        if self.transport == Transport::Ideal {
            return engine::Transport::Ideal;
        }
        let congestion = match congestion {
            Congestion::Cubic => kernel::Congestion::Cubic,
            Congestion::Bbr => kernel::Congestion::Bbr,
        };
        let connections = match connection {
            Connection::Kept => Connections::Kept,
            Connection::PerRequest => Connections::PerRequest,
        };
        let receive_window = u32::try_from(receive_window.as_u64() / packet.as_u64()).unwrap_or(u32::MAX).max(1);
        let tcp = Tcp { congestion, initial_window, idle_restart, receive_window };
        engine::Transport::Tcp(TcpSpec { tcp, connections, tls })
    }
}
