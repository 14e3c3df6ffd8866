//! `sightline-gateway`: see `lib.rs`.

/// Handshakes come in crowds and leave holes, which the system's allocator keeps
/// (`docs/decisions/allocator.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sightline_gateway::run().await
}
