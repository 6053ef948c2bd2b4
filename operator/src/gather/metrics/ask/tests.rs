use super::super::standin::{failure, groups, one, server};
use super::*;

fn namespaces(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn queue() -> Question {
    Question::External {
        namespace: "shop".into(),
        metric: "queue:length".into(),
        labels: "a in (b,c),d!=e".into(),
    }
}

fn packets() -> Question {
    Question::Pods {
        namespace: "shop".into(),
        metric: "packets".into(),
        pods: "app=web".into(),
        labels: String::new(),
    }
}

fn of(api_version: &str, kind: &str) -> Question {
    Question::Object {
        namespace: "shop".into(),
        api_version: api_version.into(),
        kind: kind.into(),
        name: "main".into(),
        metric: "rps".into(),
        labels: "verb=GET".into(),
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, MetricsFault>) -> &'static str {
    result.unwrap_err().reason()
}

#[tokio::test]
async fn one_list_for_all_pods_and_a_small_one_for_one_namespace() {
    let (client, asked) = server(|_| Some((200, "{\"items\": []}".into()))).await;
    let served = Arc::new(Served::default());
    let asker = Asker::new(client.clone(), served.clone());
    let usage = asker.usage(&namespaces(&["shop"])).await.unwrap();
    assert!(usage.covers("shop") && !usage.covers("other"));
    asker.usage(&namespaces(&["other", "shop"])).await.unwrap();
    assert_eq!(
        *asked.lock(),
        [
            "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods",
            "/apis/metrics.k8s.io/v1beta1/pods"
        ]
    );
}

#[tokio::test]
async fn paths_are_the_hpas_own() {
    let (client, asked) = server(|path| {
        Some(match path {
            "/apis/networking.k8s.io/v1" => (
                200,
                serde_json::json!({"groupVersion": "networking.k8s.io/v1", "resources": [
                    {"name": "ingresses/status", "singularName": "", "namespaced": true, "kind": "Ingress", "verbs": []},
                    {"name": "ingresses", "singularName": "ingress", "namespaced": true, "kind": "Ingress", "verbs": []}]})
                .to_string(),
            ),
            "/apis/networking.k8s.io/v1beta1" => failure(404, "gone"),
            "/apis" => groups(&[("networking.k8s.io", &["v1"])]),
            _ => one("1"),
        })
    })
    .await;
    let served = Arc::new(Served::default());
    let asker = Asker::new(client.clone(), served.clone());
    let custom = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop";
    let last = || asked.lock().last().cloned().unwrap();
    asker.list(&queue()).await.unwrap();
    assert_eq!(
        last(),
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue:length?labelSelector=a%20in%20%28b%2Cc%29%2Cd%21%3De"
    );
    asker.list(&packets()).await.unwrap();
    assert_eq!(
        last(),
        format!("{custom}/pods/*/packets?labelSelector=app%3Dweb")
    );
    asker.list(&of("v1", "Namespace")).await.unwrap();
    assert_eq!(
        last(),
        format!("{custom}/metrics/rps?metricLabelSelector=verb%3DGET"),
        "whatever its name: a workload reaches its own namespace alone"
    );
    // A version that is gone: the kind is looked for in the one that is served.
    let old = of("networking.k8s.io/v1beta1", "Ingress");
    asker.list(&old).await.unwrap();
    let path =
        format!("{custom}/ingresses.networking.k8s.io/main/rps?metricLabelSelector=verb%3DGET");
    assert_eq!(last(), path);
    let before = asked.lock().len();
    asker.list(&old).await.unwrap();
    assert_eq!(asked.lock().len(), before + 1, "the name is remembered");
    let unknown = asker.list(&of("networking.k8s.io/v1", "Bridge")).await;
    assert_eq!(reason(unknown), "UnknownKind");
}

#[tokio::test]
async fn an_adapter_of_the_older_version_is_found() {
    let (client, asked) = server(|path| {
        Some(match path {
            "/apis" => groups(&[("custom.metrics.k8s.io", &["v1beta1"])]),
            path if path.contains("/v1beta1/") => one("3"),
            _ => (404, "404 page not found".into()),
        })
    })
    .await;
    let served = Arc::new(Served::default());
    let asker = Asker::new(client.clone(), served.clone());
    let figures = asker.list(&packets()).await.unwrap();
    assert_eq!(figures[0].milli, Ok(3000));
    asker.list(&packets()).await.unwrap();
    let paths = asked.lock().clone();
    let of = |version: &str| paths.iter().filter(|p| p.contains(version)).count();
    assert_eq!((of("/v1beta2/"), of("/v1beta1/"), paths.len()), (1, 2, 4));
}

#[tokio::test]
async fn an_api_that_is_missing_is_told_from_a_metric_that_is() {
    let (client, asked) = server(|path| {
        Some(match path {
            "/apis" => groups(&[("external.metrics.k8s.io", &["v1beta1"])]),
            path if path.contains("external") => failure(404, "queue is not found"),
            _ => (404, "404 page not found".into()),
        })
    })
    .await;
    let served = Arc::new(Served::default());
    let asker = Asker::new(client.clone(), served.clone());
    let fault = asker.list(&queue()).await.unwrap_err();
    assert_eq!(fault, MetricsFault::NoMetric("queue is not found".into()));
    let fault = asker.usage(&namespaces(&["shop"])).await.unwrap_err();
    assert_eq!(fault, MetricsFault::ApiMissing(Api::Resource));
    let before = asked.lock().len();
    let fault = asker.usage(&namespaces(&["shop"])).await.unwrap_err();
    assert_eq!(fault, MetricsFault::ApiMissing(Api::Resource));
    assert_eq!(asked.lock().len(), before, "it was just looked for");
}

#[tokio::test]
async fn refusals_have_their_own_words() {
    for (code, message, want) in [
        (
            503,
            "the server is currently unable to handle the request",
            "ApiUnavailable",
        ),
        (403, "pods.metrics.k8s.io is forbidden", "Forbidden"),
        (401, "Unauthorized", "Forbidden"),
        (500, "Internal error", "HttpStatus"),
        (429, "slow down", "HttpStatus"),
    ] {
        let (client, _) = server(move |_| Some(failure(code, message))).await;
        let served = Arc::new(Served::default());
        let fault = Asker::new(client.clone(), served.clone())
            .list(&queue())
            .await
            .unwrap_err();
        assert_eq!(fault.reason(), want);
        assert!(fault.to_string().contains(message), "{fault}");
    }
    for (body, want) in [
        ("<html>login</html>", "UnknownShape"),
        ("", "UnknownShape"),
        ("{\"items\": []}", "Empty"),
        ("{\"items\": null}", "Empty"),
    ] {
        let (client, _) = server(move |_| Some((200, body.into()))).await;
        let served = Arc::new(Served::default());
        let asker = Asker::new(client.clone(), served.clone());
        assert_eq!(reason(asker.list(&queue()).await), want, "{body}");
    }
    let two = "{\"items\": [{\"value\": \"1\"}, {\"value\": \"2\"}]}";
    let (client, _) = server(move |_| Some((200, two.into()))).await;
    let served = Arc::new(Served::default());
    let asker = Asker::new(client.clone(), served.clone());
    assert_eq!(
        reason(asker.list(&of("v1", "Namespace")).await),
        "SeveralValues"
    );
    assert_eq!(asker.list(&queue()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (_, _) = server(|_| None).await;
    let mut config = kube::Config::new(format!("http://{address}").parse().unwrap());
    config.default_retry = false;
    let client = Client::try_from(config).unwrap();
    let served = Arc::new(Served::default());
    let fault = Asker::new(client.clone(), served.clone())
        .list(&queue())
        .await
        .unwrap_err();
    assert_eq!(fault.reason(), "Unreachable");
    assert!(fault.to_string().contains("refused"), "{fault}");
}

#[tokio::test]
async fn a_server_that_hangs_is_not_asked_for_ever() {
    let (client, asked) = server(|path| (!path.contains("external")).then(|| one("1"))).await;
    let served = Arc::new(Served::default());
    let asker = Asker {
        timeout: Duration::from_millis(50),
        ..Asker::new(client.clone(), served.clone())
    };
    let question = queue();
    for _ in 0..TIMEOUTS_MAX {
        assert_eq!(
            asker.list(&question).await.unwrap_err(),
            MetricsFault::Timeout {
                api: Api::External,
                seconds: 0
            }
        );
    }
    let sick = asker.list(&question).await.unwrap_err();
    assert_eq!(sick, MetricsFault::Sick(Api::External));
    assert_eq!(asked.lock().len(), 3, "the round goes on without it");
    assert!(asker.list(&packets()).await.is_ok(), "other APIs are asked");
    let next = Asker {
        timeout: Duration::from_millis(50),
        ..Asker::new(client.clone(), served.clone())
    };
    assert_eq!(reason(next.list(&question).await), "Timeout");
    assert_eq!(
        asked.lock().len(),
        5,
        "and so is this one in the next round"
    );
}

#[tokio::test]
async fn no_more_is_read_than_the_limit() {
    let (client, _) = server(|_| Some((200, "x".repeat(5000)))).await;
    let served = Arc::new(Served::default());
    let asker = Asker {
        body_max: 4999,
        ..Asker::new(client.clone(), served.clone())
    };
    assert_eq!(
        asker.list(&queue()).await.unwrap_err(),
        MetricsFault::TooLarge(4999)
    );
}

#[test]
fn parts_cannot_leave_their_place_in_the_path() {
    assert_eq!(part("a/../b?c#d%e ü"), "a%2F..%2Fb%3Fc%23d%25e%20%C3%BC");
    assert_eq!(query(&[("a", ""), ("b", "")]), "");
    assert_eq!(query(&[("a", ""), ("b", "x&y=z")]), "?b=x%26y%3Dz");
}
