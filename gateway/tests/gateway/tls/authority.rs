//! A certificate authority that speaks ACME (RFC 8555), with HTTPS, nonces and signatures,
//! and that convinces itself of a name by TLS-ALPN-01 (RFC 8737) as it should.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::extract::{Path as Segment, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, head, post};
use axum::{Json, Router};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa,
    KeyPair,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::timeout;

use super::listener::TlsListener;
use super::validation;

const NONCE: HeaderName = HeaderName::from_static("replay-nonce");

/// A running authority; dropping it ends it.
pub(crate) struct Authority {
    pub(crate) directory: String,
    books: Arc<Books>,
    _runtime: Runtime,
}

/// What it knows.
struct Books {
    base: String,
    ca: CertifiedIssuer<'static, KeyPair>,
    /// How long its certificates last, and how long of that is over already.
    validity: (Duration, Duration),
    /// Where the names that it is asked for are served.
    serves: watch::Sender<Option<SocketAddr>>,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    nonces: HashSet<String>,
    /// The coordinates of each account's key.
    accounts: Vec<(String, String)>,
    orders: Vec<Order>,
}

struct Order {
    account: usize,
    name: String,
    token: String,
    status: &'static str,
    certificate: Option<String>,
}

impl Authority {
    /// Starts one whose root is written to `root`.
    pub(crate) fn start(root: &Path, validity: (Duration, Duration)) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = CertifiedIssuer::self_signed(params, key).unwrap();
        std::fs::write(root, ca.pem()).unwrap();

        let own_key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let own = own.signed_by(&own_key, &ca).unwrap();
        let listener = runtime.block_on(TlsListener::bind(&own, &own_key));
        let base = format!("https://{}", listener.address());
        let books = Arc::new(Books {
            base: base.clone(),
            ca,
            validity,
            serves: watch::Sender::new(None),
            entries: Mutex::default(),
        });
        let router = router(books.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            directory: format!("{base}/directory"),
            books,
            _runtime: runtime,
        }
    }

    /// Every name is served here, from now on.
    pub(crate) fn names_are_at(&self, gateway: SocketAddr) {
        self.books.serves.send_replace(Some(gateway));
    }

    pub(crate) fn accounts(&self) -> usize {
        self.books.entries.lock().unwrap().accounts.len()
    }

    /// How many orders came to this end.
    pub(crate) fn orders(&self, status: &str) -> usize {
        let entries = self.books.entries.lock().unwrap();
        entries.orders.iter().filter(|o| o.status == status).count()
    }
}

fn router(books: Arc<Books>) -> Router {
    Router::new()
        .route("/directory", get(directory))
        // RFC 8555 section 7.2: 200 for HEAD.
        .route("/nonce", head(StatusCode::OK))
        .route("/account", post(new_account))
        .route("/order", post(new_order))
        .route("/order/{number}", post(order))
        .route("/authorization/{number}", post(authorization))
        .route("/challenge/{number}", post(challenge))
        .route("/finalize/{number}", post(finalize))
        .route("/certificate/{number}", post(certificate))
        .layer(from_fn_with_state(books.clone(), with_nonce))
        .with_state(books)
}

/// RFC 8555 section 6.5: each response has a nonce for the next request.
async fn with_nonce(State(books): State<Arc<Books>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let nonce = format!("{:032x}", fastrand::u128(..));
    response.headers_mut().insert(NONCE, nonce.parse().unwrap());
    books.entries.lock().unwrap().nonces.insert(nonce);
    response
}

async fn directory(State(books): State<Arc<Books>>) -> Json<Value> {
    let base = &books.base;
    Json(json!({
        "newNonce": format!("{base}/nonce"),
        "newAccount": format!("{base}/account"),
        "newOrder": format!("{base}/order"),
    }))
}

/// A signed request: RFC 8555 section 6.2.
#[derive(Deserialize)]
struct Signed {
    protected: String,
    payload: String,
    signature: String,
}

#[derive(Deserialize)]
struct Protected {
    alg: String,
    nonce: String,
    url: String,
    jwk: Option<Jwk>,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Jwk {
    x: String,
    y: String,
}

impl Books {
    /// The account and the payload, if nonce, address and signature are right.
    fn open(&self, path: &str, signed: &Signed) -> (Protected, Value) {
        let protected = BASE64.decode(&signed.protected).unwrap();
        let protected: Protected = serde_json::from_slice(&protected).unwrap();
        assert_eq!(protected.alg, "ES256");
        assert_eq!(protected.url, format!("{}{path}", self.base));
        let mut entries = self.entries.lock().unwrap();
        assert!(entries.nonces.remove(&protected.nonce), "a nonce of ours");
        let (x, y) = match (&protected.jwk, &protected.kid) {
            (Some(jwk), None) => (jwk.x.clone(), jwk.y.clone()),
            (None, Some(kid)) => entries.accounts[number(kid)].clone(),
            _ => panic!("RFC 8555 section 6.2: either jwk or kid"),
        };
        let point = [
            vec![4],
            BASE64.decode(x).unwrap(),
            BASE64.decode(y).unwrap(),
        ]
        .concat();
        let message = format!("{}.{}", signed.protected, signed.payload);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(
                message.as_bytes(),
                &BASE64.decode(&signed.signature).unwrap(),
            )
            .expect("the account's key signed this");
        let payload = BASE64.decode(&signed.payload).unwrap();
        let payload = serde_json::from_slice(&payload).unwrap_or(Value::Null);
        (protected, payload)
    }

    fn order(&self, number: usize) -> Value {
        let base = &self.base;
        let order = &self.entries.lock().unwrap().orders[number];
        let certificate = order.certificate.is_some();
        json!({
            "status": order.status,
            "identifiers": [{"type": "dns", "value": order.name}],
            "authorizations": [format!("{base}/authorization/{number}")],
            "finalize": format!("{base}/finalize/{number}"),
            "certificate": certificate.then(|| format!("{base}/certificate/{number}")),
        })
    }

    fn challenge(&self, number: usize) -> Value {
        let order = &self.entries.lock().unwrap().orders[number];
        let status = match order.status {
            "pending" | "invalid" => order.status,
            _ => "valid",
        };
        json!({
            "type": "tls-alpn-01",
            "url": format!("{}/challenge/{number}", self.base),
            "token": order.token,
            "status": status,
        })
    }
}

fn number(url: &str) -> usize {
    url.rsplit('/').next().unwrap().parse().unwrap()
}

type Answer = ([(HeaderName, String); 1], Json<Value>);

async fn new_account(
    State(books): State<Arc<Books>>,
    Json(signed): Json<Signed>,
) -> (StatusCode, [(HeaderName, String); 1], Json<Value>) {
    let (protected, payload) = books.open("/account", &signed);
    assert_eq!(payload["termsOfServiceAgreed"], true);
    assert_eq!(payload["contact"], json!(["mailto:me@cam.example"]));
    let Jwk { x, y } = protected.jwk.unwrap();
    let mut entries = books.entries.lock().unwrap();
    entries.accounts.push((x, y));
    let url = format!("{}/account/{}", books.base, entries.accounts.len() - 1);
    let created = Json(json!({"status": "valid"}));
    (StatusCode::CREATED, [(header::LOCATION, url)], created)
}

async fn new_order(
    State(books): State<Arc<Books>>,
    Json(signed): Json<Signed>,
) -> (StatusCode, Answer) {
    let (protected, payload) = books.open("/order", &signed);
    let name = &payload["identifiers"][0]["value"];
    let number = {
        let mut entries = books.entries.lock().unwrap();
        entries.orders.push(Order {
            account: number(&protected.kid.unwrap()),
            name: name.as_str().unwrap().to_owned(),
            token: format!("{:032x}", fastrand::u128(..)),
            status: "pending",
            certificate: None,
        });
        entries.orders.len() - 1
    };
    let url = format!("{}/order/{number}", books.base);
    let created = ([(header::LOCATION, url)], Json(books.order(number)));
    (StatusCode::CREATED, created)
}

async fn order(
    State(books): State<Arc<Books>>,
    Segment(number): Segment<usize>,
    Json(signed): Json<Signed>,
) -> Json<Value> {
    books.open(&format!("/order/{number}"), &signed);
    Json(books.order(number))
}

async fn authorization(
    State(books): State<Arc<Books>>,
    Segment(number): Segment<usize>,
    Json(signed): Json<Signed>,
) -> Json<Value> {
    books.open(&format!("/authorization/{number}"), &signed);
    let challenge = books.challenge(number);
    let name = books.entries.lock().unwrap().orders[number].name.clone();
    Json(json!({
        "status": challenge["status"],
        "identifier": {"type": "dns", "value": name},
        "challenges": [challenge],
    }))
}

/// Looks at the name as the Internet would.
async fn challenge(
    State(books): State<Arc<Books>>,
    Segment(number): Segment<usize>,
    Json(signed): Json<Signed>,
) -> Json<Value> {
    books.open(&format!("/challenge/{number}"), &signed);
    let mut serves = books.serves.subscribe();
    let known = timeout(Duration::from_secs(20), serves.wait_for(Option::is_some)).await;
    let address = known.unwrap().unwrap().unwrap();
    let (name, digest) = {
        let entries = books.entries.lock().unwrap();
        let order = &entries.orders[number];
        let (x, y) = &entries.accounts[order.account];
        // RFC 7638 section 3: members in this order, and no spaces.
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = BASE64.encode(digest(&SHA256, jwk.as_bytes()));
        let authorization = format!("{}.{thumbprint}", order.token);
        let expected = digest(&SHA256, authorization.as_bytes());
        (order.name.clone(), expected.as_ref().to_vec())
    };
    let status = match validation::shows(address, &name, &digest).await {
        true => "ready",
        false => "invalid",
    };
    books.entries.lock().unwrap().orders[number].status = status;
    Json(books.challenge(number))
}

async fn finalize(
    State(books): State<Arc<Books>>,
    Segment(number): Segment<usize>,
    Json(signed): Json<Signed>,
) -> Json<Value> {
    let (_, payload) = books.open(&format!("/finalize/{number}"), &signed);
    let request = BASE64.decode(payload["csr"].as_str().unwrap()).unwrap();
    let mut request = CertificateSigningRequestParams::from_der(&request.into()).unwrap();
    let (lasts, over) = books.validity;
    request.params.not_before = time::OffsetDateTime::now_utc() - over;
    request.params.not_after = request.params.not_before + lasts;
    let certificate = request.signed_by(&books.ca).unwrap();
    {
        let order = &mut books.entries.lock().unwrap().orders[number];
        assert_eq!(order.status, "ready");
        order.status = "valid";
        order.certificate = Some(certificate.pem() + &books.ca.pem());
    }
    Json(books.order(number))
}

async fn certificate(
    State(books): State<Arc<Books>>,
    Segment(number): Segment<usize>,
    Json(signed): Json<Signed>,
) -> impl IntoResponse {
    books.open(&format!("/certificate/{number}"), &signed);
    let entries = books.entries.lock().unwrap();
    let chain = entries.orders[number].certificate.clone().unwrap();
    let pem = "application/pem-certificate-chain";
    ([(header::CONTENT_TYPE, pem)], chain)
}
