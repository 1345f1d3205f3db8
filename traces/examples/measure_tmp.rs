use std::time::Instant;
use traces::log::*;
fn main() {
    let mut x = 1u64;
    let mut r = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 11) as f64 / (1u64 << 53) as f64
    };
    let pol: Vec<Text> = ["msao", "cloud_only", "edge_only", "perllm"].map(Text::from).to_vec();
    let ds: Text = "vqav2".into();
    let st: Text = "completed".into();
    let by: Text = "both".into();
    let rows: Vec<RequestRow> = (0..360_000u64)
        .map(|i| RequestRow {
            policy: pol[(i / 90_000) as usize].clone(),
            dataset: ds.clone(),
            bandwidth_mbps: 200.0,
            point: (i / 10000) as u32,
            replication: (i / 1000 % 10) as u32,
            request: i % 1000,
            edge: (r() * 4.0) as u32,
            client: (r() * 16.0) as u32,
            arrival_s: i as f64 * r(),
            submit_s: i as f64 + r(),
            status: st.clone(),
            text_tokens: (r() * 100.0) as u32,
            visual_tokens: 1196,
            output_tokens: (r() * 300.0) as u32,
            mas_visual: Some(r()),
            retention: r(),
            compression: r(),
            ttft_ms: Some(r() * 1000.0),
            tpot_ms: Some(r() * 50.0),
            e2e_ms: Some(r() * 9000.0),
            uplink_bytes: (r() * 1e6) as u64,
            downlink_bytes: (r() * 1e3) as u64,
            rounds: (r() * 30.0) as u32,
            drafted_tokens: (r() * 300.0) as u32,
            accepted_tokens: (r() * 300.0) as u32,
            wasted_tokens: (r() * 30.0) as u32,
            edge_tflop: r(),
            cloud_tflop: r(),
            edge_busy_ms: r() * 100.0,
            cloud_busy_ms: r() * 100.0,
            energy_j: r() * 50.0,
            correct: r(),
            served_by: by.clone(),
        })
        .collect();
    for _ in 0..3 {
        let rows = rows.clone();
        let t = Instant::now();
        let mut log = LogWriter::create("/tmp/h1.parquet".as_ref()).unwrap();
        for row in rows {
            log.write(row).unwrap();
        }
        log.finish().unwrap();
        println!("{:?} {} bytes", t.elapsed(), std::fs::metadata("/tmp/h1.parquet").unwrap().len());
    }
}
