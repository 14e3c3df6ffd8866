//! What is between the camera and a network camera: connections that can freeze.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// Passes connections on; ends when dropped.
pub(crate) struct Wire {
    pub(crate) port: u16,
    opened: Arc<AtomicU64>,
    /// How many of them are frozen.
    frozen: watch::Sender<u64>,
    _listening: JoinSet<()>,
}

impl Wire {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let (opened, (frozen, freezes)) = (Arc::new(AtomicU64::new(0)), watch::channel(0));
        let count = opened.clone();
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                passing.spawn(pass(near, port, number, freezes.clone()));
            }
        });
        Self {
            port: own_port,
            opened,
            frozen,
            _listening: listening,
        }
    }

    /// Nothing more is passed on by the connections that there are. They stay open, and new ones are
    /// as they should be.
    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(self.opened());
    }

    /// How many connections there have been.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }
}

async fn pass(mut near: TcpStream, port: u16, number: u64, mut frozen: watch::Receiver<u64>) {
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let frozen = async { frozen.wait_for(|frozen| *frozen >= number).await.is_ok() };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => return,
        _ = frozen => {}
    }
    std::future::pending().await
}
