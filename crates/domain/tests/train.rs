//! Release trains: the order of their changes, and whose turn it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use domain::catalog::read;
use domain::changes::TrainRequest;
use domain::names::Name;

/// `web` needs `api`, that needs `queue`, that needs `db`; `a` and `b` need each other.
const CONFIG: &str = r#"
organisation: Test
teams: [{name: x, members: [ann], roles: [deployer]}]
clusters:
  - {name: one, provider: kubeconfig, kubeconfig: {path: none}}
environments:
  - {name: staging, title: Staging, stage: 1, cluster: one, namespace: staging}
components:
  - {name: web, title: Web, owner: x, workload: deployment/web, depends_on: [api]}
  - {name: api, title: API, owner: x, workload: deployment/api, depends_on: [queue]}
  - {name: alone, title: Alone, owner: x, workload: deployment/alone}
  - {name: queue, title: Queue, owner: x, workload: deployment/queue, depends_on: [db]}
  - {name: db, title: Database, owner: x, workload: statefulset/db}
  - {name: a, title: A, owner: x, workload: deployment/a, depends_on: [b]}
  - {name: b, title: B, owner: x, workload: deployment/b, depends_on: [a]}
"#;

fn name(text: &str) -> Name {
    Name::parse("name", text).unwrap()
}

fn order(of: &[&str]) -> domain::Result<Vec<String>> {
    let catalog = read(CONFIG).unwrap().catalog;
    let components = of.iter().map(|one| name(one)).collect();
    let request = TrainRequest::new(components, name("staging"), name("staging"), String::new())?;
    Ok(request.in_order(&catalog)?.iter().map(|name| name.as_str().to_owned()).collect())
}

#[test]
fn what_others_depend_on_goes_first_also_by_way_of_one_that_stays() {
    assert_eq!(order(&["web", "api", "queue", "db"]).unwrap(), ["db", "queue", "api", "web"]);
    assert_eq!(order(&["web", "db"]).unwrap(), ["db", "web"], "through two that do not go along");
    assert_eq!(order(&["db", "alone"]).unwrap(), ["alone", "db"], "else as the configuration has them");
}

#[test]
fn two_that_need_each_other_go_all_the_same() {
    assert_eq!(order(&["a", "b"]).unwrap(), ["b", "a"]);
}

#[test]
fn what_is_not_declared_does_not_go_along() {
    assert_eq!(order(&["web", "nothing"]).unwrap_err().code(), "not_found");
}
