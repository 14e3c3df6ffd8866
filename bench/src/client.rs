//! One HTTP/1.1 connection, and nothing done behind our back: no pool, no retry.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, ensure};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::task::AbortHandle;

/// A connection; it closes when this is dropped.
pub(crate) struct Connection {
    send: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The answer to a request, read to its end.
pub(crate) struct Answer {
    response: Response<Bytes>,
}

impl Connection {
    /// Connects from this address.
    pub(crate) async fn open(from: Ipv4Addr, to: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into()).context("no port is free")?;
        socket.set_nodelay(true)?;
        let stream = socket.connect(to).await?;
        let (send, connection) = handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told of the error.
            let _ = connection.await;
        });
        Ok(Self {
            send,
            driver: driver.abort_handle(),
        })
    }

    /// Sends a request and waits for the head of its answer only.
    pub(crate) async fn begin(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<()> {
        self.send.ready().await?;
        let response = self.send.send_request(request).await?;
        ensure!(response.status().is_success(), "{}", response.status());
        Ok(())
    }

    /// Sends a request and waits for all of its answer.
    pub(crate) async fn call(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        self.send.ready().await?;
        let response: Response<Incoming> = self.send.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let response = Response::from_parts(parts, body);
        Ok(Answer { response })
    }
}

impl Answer {
    /// What kind of answer it is.
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Itself, if it is of this kind.
    pub(crate) fn expect(self, status: StatusCode) -> anyhow::Result<Self> {
        let body = String::from_utf8_lossy(self.response.body());
        ensure!(
            self.status() == status,
            "{status} was expected, not {}: {body}",
            self.status(),
        );
        Ok(self)
    }

    /// What it says, as text.
    pub(crate) fn text(&self) -> anyhow::Result<&str> {
        Ok(std::str::from_utf8(self.response.body())?)
    }

    /// The session that it created.
    pub(crate) fn location(&self) -> anyhow::Result<String> {
        let location = self.response.headers().get(header::LOCATION);
        let location = location.context("an answer without Location")?;
        Ok(location.to_str()?.to_owned())
    }
}
