//! WHIP and WHEP as their clients see them: POST an offer, get an answer, DELETE in the end.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::{Context, ensure};
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;
use sightline_spec::media_type::SDP;

use crate::client::Connection;

/// An endpoint: where sessions are made by a POST.
#[derive(Clone)]
pub(crate) struct Target {
    server: SocketAddr,
    host: String,
    path: String,
    token: Option<String>,
}

/// A session that was made.
pub(crate) struct Session {
    path: String,
    pub(crate) answer: String,
}

impl Target {
    /// From its URL. Only http on IPv4 will do.
    pub(crate) async fn resolve(url: &str, token: Option<String>) -> anyhow::Result<Self> {
        let url: Uri = url.parse()?;
        ensure!(
            url.scheme_str() == Some("http"),
            "{url} is not the URL of an http server",
        );
        let host = url.authority().context("a URL without a host")?;
        let port = host.port_u16().unwrap_or(80);
        let mut addresses = tokio::net::lookup_host((host.host(), port)).await?;
        let server = addresses
            .find(SocketAddr::is_ipv4)
            .with_context(|| format!("{host} has no IPv4 address"))?;
        let path = url.path_and_query().context("a URL without a path")?;
        Ok(Self {
            server,
            host: host.to_string(),
            path: path.to_string(),
            token,
        })
    }

    /// The address of this machine from which the server is reached.
    pub(crate) fn local_address(&self) -> anyhow::Result<IpAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // Sends nothing: the kernel only looks for the way.
        socket.connect(self.server)?;
        Ok(socket.local_addr()?.ip())
    }

    /// A connection to it.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(Ipv4Addr::UNSPECIFIED, self.server).await
    }

    /// Makes a session.
    pub(crate) async fn post(
        &self,
        connection: &mut Connection,
        offer: String,
    ) -> anyhow::Result<Session> {
        let request = self
            .request(Method::POST, &self.path)
            .header(header::CONTENT_TYPE, SDP);
        let answer = connection.call(request.body(Full::from(offer))?).await?;
        let answer = answer.expect(StatusCode::CREATED)?;
        Ok(Session {
            path: path_of(&answer.location()?)?,
            answer: answer.text()?.to_owned(),
        })
    }

    /// Ends a session.
    pub(crate) async fn delete(
        &self,
        connection: &mut Connection,
        session: &Session,
    ) -> anyhow::Result<()> {
        let request = self.request(Method::DELETE, &session.path);
        let request: Request<Full<Bytes>> = request.body(Full::default())?;
        let answer = connection.call(request).await?;
        ensure!(
            answer.status().is_success(),
            "a DELETE was answered with {}",
            answer.status(),
        );
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, "sightline-bench");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request
    }
}

/// Of a Location, which may be a whole URL.
fn path_of(location: &str) -> anyhow::Result<String> {
    let location: Uri = location.parse()?;
    let path = location.path_and_query();
    Ok(path.context("a Location without a path")?.to_string())
}
