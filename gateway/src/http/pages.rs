//! The player and its pages, from the program itself or from a folder.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::services::{ServeDir, ServeFile};

use super::Context;
use crate::error::Error;

/// What of `player/` is served: its modules, pages, styles and pictures.
#[derive(RustEmbed)]
#[folder = "../player"]
#[include = "*.html"]
#[include = "*.js"]
#[include = "*.css"]
#[include = "*.svg"]
#[exclude = "*/*"]
struct Player;

/// The pages and where they are. A room's page is the same for every room: which
/// room it is, the page reads from its own address.
const PAGES: [(&str, &str); 5] = [
    ("/", "watch.html"),
    ("/watch", "watch.html"),
    ("/watch/{room}", "watch.html"),
    ("/publish", "publish.html"),
    ("/publish/{room}", "publish.html"),
];

pub(super) fn router(player_dir: Option<PathBuf>) -> Router<Arc<Context>> {
    match player_dir {
        None => embedded(),
        Some(dir) => {
            let pages = PAGES.iter().fold(Router::new(), |router, &(path, page)| {
                router.route_service(path, ServeFile::new(dir.join(page)))
            });
            pages.nest_service("/player", ServeDir::new(dir))
        }
    }
}

fn embedded() -> Router<Arc<Context>> {
    let pages = PAGES.iter().fold(Router::new(), |router, &(path, page)| {
        let handler = move |headers: HeaderMap| async move { file(page, &headers) };
        router.route(path, get(handler))
    });
    let module =
        |Path(name): Path<String>, headers: HeaderMap| async move { file(&name, &headers) };
    pages.route("/player/{*file}", get(module))
}

fn file(name: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let EmbeddedFile { data, metadata } = Player::get(name).ok_or(Error::NoSuchResource)?;
    let hash = u64::from_be_bytes(first_eight(metadata.sha256_hash()));
    let etag = format!("\"{hash:016x}\"");
    let known = headers.typed_get::<IfNoneMatch>();
    let unchanged = match (etag.parse::<ETag>(), known) {
        (Ok(etag), Some(known)) => !known.precondition_passes(&etag),
        _ => false,
    };
    let content_type = mime_guess::from_path(name).first_or_octet_stream();
    let headers = [
        (header::ETAG, etag),
        // Always asked for again: a new gateway must not meet an old player.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_TYPE, content_type.to_string()),
    ];
    Ok(match unchanged {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, data).into_response(),
    })
}

fn first_eight(hash: [u8; 32]) -> [u8; 8] {
    std::array::from_fn(|i| hash[i])
}
