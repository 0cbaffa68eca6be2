//! Routing as the platform does it.

use brigandine_model::{ApiStyle, App, Cors, Throttle};

use crate::stage::{Stage, api, app, fact, open, route, settings};

async fn two_apis() -> Stage {
    let apis = vec![api("Rest", ApiStyle::Rest, &["Prod"]), api("Web", ApiStyle::Http, &["$default", "beta"])];
    let routes = vec![
        route("Rest", "GET /orders", "F"),
        route("Rest", "GET /orders/{id}", "F"),
        route("Rest", "POST /orders/special", "F"),
        route("Rest", "ANY /files/{proxy+}", "F"),
        route("Web", "GET /orders", "F"),
        route("Web", "GET /pets/{id}", "F"),
        route("Web", "ANY /pets/{proxy+}", "F"),
        route("Web", "GET /caf\u{e9}", "F"),
    ];
    open(app(apis, routes), settings()).await
}

async fn reached(stage: &Stage, label: &str, host: &str) -> (u16, String) {
    let heard = stage.ask(label, &[("host", host)]).await;
    let json = heard.json();
    let told = |name: &str| json[name].as_str().unwrap_or("-").to_owned();
    let line = if heard.status == 200 {
        format!("{} {} | {} {}", told("api"), told("route"), told("stage"), told("path"))
    } else {
        told("code")
    };
    (heard.status, line)
}

#[tokio::test]
async fn requests_reach_the_route_the_platform_would_choose() {
    let stage = two_apis().await;
    for (label, host, status, line) in [
        ("GET /orders", "localhost", 200, "Rest GET /orders | Prod /orders"),
        ("GET /orders", "web.localhost", 200, "Web GET /orders | $default /orders"),
        ("GET /orders", "WEB.LocalHost:3000", 200, "Web GET /orders | $default /orders"),
        ("GET /Prod/orders", "localhost", 200, "Rest GET /orders | Prod /orders"),
        ("GET /beta/orders", "localhost", 200, "Web GET /orders | beta /orders"),
        ("GET /orders/", "localhost", 200, "Rest GET /orders | Prod /orders/"),
        ("GET /orders/", "web.localhost", 404, "not-found"),
        ("GET /orders/7", "localhost", 200, "Rest GET /orders/{id} | Prod /orders/7"),
        // The older style chooses the path before it asks for the method.
        ("GET /orders/special", "localhost", 405, "method-not-allowed"),
        ("POST /orders/special", "localhost", 200, "Rest POST /orders/special | Prod /orders/special"),
        ("DELETE /files/a/b", "localhost", 200, "Rest ANY /files/{proxy+} | Prod /files/a/b"),
        ("GET /files", "localhost", 404, "not-found"),
        ("GET /pets/1", "localhost", 200, "Web GET /pets/{id} | $default /pets/1"),
        // The lighter style does not let the wrong method hide a wider route.
        ("POST /pets/1", "localhost", 200, "Web ANY /pets/{proxy+} | $default /pets/1"),
        ("GET /caf%c3%a9", "localhost", 200, "Web GET /caf\u{e9} | $default /caf%C3%A9"),
        ("GET /p%65ts/1", "localhost", 200, "Web GET /pets/{id} | $default /pets/1"),
        ("GET /nothing", "localhost", 404, "not-found"),
        ("GET /pets/1", "rest.localhost", 404, "not-found"),
    ] {
        assert_eq!(reached(&stage, label, host).await, (status, line.to_owned()), "{label} at {host}");
    }
    let heard = stage.ask("DELETE /orders", &[("host", "rest.localhost")]).await;
    assert_eq!((heard.status, heard.header("allow")), (405, Some("GET")));
}

#[tokio::test]
async fn path_values_are_decoded_and_the_path_is_one_string() {
    let stage = two_apis().await;
    let heard = stage.get("/files/a%20b/%63?x=%20y&x").await.json();
    assert_eq!(heard["parameters"]["proxy"], "a b/c");
    assert_eq!(heard["path"], "/files/a%20b/c");
    assert_eq!(heard["query"], "x=%20y&x");
    let answered = stage.events.answered();
    assert_eq!(&*answered[0].path, "/files/a%20b/c");
    assert_eq!(answered[0].route.as_deref(), Some("ANY /files/{proxy+}"));
}

#[tokio::test]
async fn a_catch_all_of_one_api_does_not_hide_routes_of_another() {
    let apis = vec![api("All", ApiStyle::Http, &[]), api("Some", ApiStyle::Http, &[])];
    let routes = vec![route("All", "ANY $default", "F"), route("Some", "GET /orders", "F")];
    let stage = open(app(apis, routes), settings()).await;
    assert_eq!(stage.get("/orders").await.json()["api"], "Some");
    assert_eq!(stage.get("/other").await.json()["api"], "All");
    assert_eq!(stage.ask("POST /orders", &[]).await.json()["api"], "All");
}

#[tokio::test]
async fn a_function_address_stands_at_the_root_when_alone_and_below_url_otherwise() {
    let url = || (api("FUrl", ApiStyle::FunctionUrl, &[]), route("FUrl", "ANY /{proxy+}", "F"));
    let (only, its_route) = url();
    let stage = open(app(vec![only], vec![its_route]), settings()).await;
    assert_eq!(stage.get("/").await.json()["path"], "/");
    assert_eq!(stage.get("/any/where/").await.json()["path"], "/any/where/");
    assert_eq!(&*stage.door.routes()[0].path, "/{proxy+}");
    let (second, its_route) = url();
    let web = api("Web", ApiStyle::Http, &[]);
    let stage = open(app(vec![web, second], vec![route("Web", "GET /a", "F"), its_route]), settings()).await;
    assert_eq!(stage.get("/url/F").await.json()["path"], "/");
    assert_eq!(stage.get("/url/F/x").await.json()["path"], "/x");
    assert_eq!(stage.get("/url/Fx").await.status, 404);
    assert_eq!(stage.ask("GET /x", &[("host", "furl.localhost")]).await.json()["api"], "FUrl");
    assert_eq!(&*stage.door.routes()[1].path, "/url/F/{proxy+}");
}

#[tokio::test]
async fn held_connections_are_not_served_and_said_so() {
    let apis = vec![api("Chat", ApiStyle::WebSocket, &[])];
    let stage = open(app(apis, vec![route("Chat", "ANY $connect", "F")]), settings()).await;
    assert_eq!(stage.get("/").await.status, 404);
    assert_eq!(&*stage.door.not_enforced()[0].subject, "API Chat");
}

#[tokio::test]
async fn the_route_table_says_what_is_served() {
    let mut first = route("Web", "GET /a", "F");
    first.throttle = Some(fact(Throttle { rate: 5.0, burst: 2 }));
    let second = route("Web", "GET /b", "F");
    let stage = open(app(vec![api("Web", ApiStyle::Http, &[])], vec![first, second]), settings()).await;
    let lines = stage.door.routes();
    assert_eq!((&*lines[0].throttle, &*lines[1].throttle), ("5/s burst 2", "10000/s burst 5000"));
    assert_eq!((&*lines[0].authentication, &*lines[0].host, lines[0].enforced), ("none", "web.localhost", true));
}

#[tokio::test]
async fn another_state_of_the_application_is_served_from_the_next_request_on() {
    let one = |path: &str| app(vec![api("Web", ApiStyle::Http, &[])], vec![route("Web", path, "F")]);
    let stage = open(one("GET /old"), settings()).await;
    assert_eq!(stage.get("/old").await.status, 200);
    stage.door.reload(std::sync::Arc::new(one("GET /new")));
    assert_eq!(stage.get("/old").await.status, 404);
    assert_eq!(stage.get("/new").await.status, 200);
}

fn with_cors(style: ApiStyle) -> App {
    let mut web = api("Web", style, &[]);
    web.cors = Some(fact(Cors {
        origins: vec!["https://shop.example".into()],
        methods: vec!["GET".into(), "POST".into()],
        headers: vec!["authorization".into()],
        max_age: Some(60),
        ..Cors::default()
    }));
    app(vec![web], vec![crate::stage::guarded("Web", "POST /orders", "Users", &[]), route("Web", "GET /a", "F")])
}

const PREFLIGHT: [(&str, &str); 2] = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];

#[tokio::test]
async fn the_lighter_style_answers_preflights_and_marks_every_answer() {
    let stage = open(with_cors(ApiStyle::Http), settings()).await;
    let heard = stage.ask("OPTIONS /orders", &PREFLIGHT).await;
    assert_eq!(heard.status, 204);
    assert_eq!(heard.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(heard.header("access-control-allow-methods"), Some("GET,POST"));
    assert_eq!(heard.header("access-control-max-age"), Some("60"));
    let heard = stage.ask("OPTIONS /orders", &[("origin", "https://evil"), PREFLIGHT[1]]).await;
    assert_eq!((heard.status, heard.header("access-control-allow-origin")), (204, None));
    let heard = stage.ask("GET /a", &PREFLIGHT[..1]).await;
    assert_eq!(heard.header("access-control-allow-origin"), Some("https://shop.example"));
    // Refusals too, or pages could not read why.
    let heard = stage.ask("POST /orders", &PREFLIGHT[..1]).await;
    assert_eq!((heard.status, heard.header("access-control-allow-origin")), (501, Some("https://shop.example")));
}

#[tokio::test]
async fn the_older_style_answers_preflights_only() {
    let stage = open(with_cors(ApiStyle::Rest), settings()).await;
    let heard = stage.ask("OPTIONS /orders", &PREFLIGHT).await;
    assert_eq!((heard.status, heard.header("access-control-allow-origin")), (200, Some("https://shop.example")));
    let heard = stage.ask("GET /a", &PREFLIGHT[..1]).await;
    assert_eq!(heard.header("access-control-allow-origin"), None);
}
