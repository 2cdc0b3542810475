//! Trains: before they are asked for, waiting, on their way, stopped.

use crate::data::*;
use app::trains::{Candidate, NewTrainData, TrainData, TrainWanted};
use domain::Error;
use domain::changes::*;

fn parts() -> [(&'static str, &'static str, &'static str); 3] {
    [("postgres", "15.14", "15.15"), ("qdrant", "1.12.1", "1.12.4"), ("api", "1.42.3", "1.43.1")]
}

fn carriage(at: usize) -> Option<Carriage> {
    Some(Carriage { train: "t".into(), position: at as i64 + 1, of: 3 })
}

fn train(states: [State; 3]) -> Train {
    let changes = parts().into_iter().enumerate().map(|(at, (component, from, to))| {
        let plan = Plan { train: carriage(at), ..plan(Kind::Promote, component, from, to, "prod") };
        change(20 + at as i64, states[at], plan)
    });
    Train {
        id: "t".into(),
        number: 3,
        environment: "prod".into(),
        source: "staging".into(),
        requester: "bea".into(),
        reason: "The November release.".into(),
        digest: "5f2c".repeat(16),
        requested_at: ago(900),
        changes: changes.collect(),
    }
}

pub fn train_pages() -> Vec<(&'static str, TrainData)> {
    let page = |name, states| (name, TrainData { train: train(states), approvers: vec![], tried: None });
    vec![
        page("train-waiting", [State::AwaitingApproval; 3]),
        page("train-running", [State::Succeeded, State::Observing, State::Ready]),
        page("train-stopped", [State::Succeeded, State::Failed, State::Superseded]),
    ]
}

pub fn waiting_train() -> Train {
    train([State::AwaitingApproval; 3])
}

pub fn new_trains() -> Vec<(&'static str, NewTrainData)> {
    let candidates = parts().into_iter().chain([("redis", "7.4.1", "7.4.1")]).map(|(name, here, there)| Candidate {
        name: name.into(),
        title: plan(Kind::Promote, name, here, there, "prod").summary.split(' ').nth(1).unwrap_or(name).into(),
        here: here.into(),
        there: there.into(),
        behind: here != there,
        chosen: here != there,
    });
    let page = |plans| NewTrainData {
        wanted: TrainWanted {
            environment: "prod".into(),
            from: "staging".into(),
            components: parts().iter().map(|part| part.0.to_owned()).collect(),
            chosen: false,
            reason: String::new(),
        },
        candidates: candidates.clone().collect(),
        plans,
        from_title: "Staging".into(),
        environment_title: "Production East".into(),
        key: "k".into(),
        error: None,
    };
    let planned = |(component, from, to): (&str, &str, &str)| (component.to_owned(), Ok(plan(Kind::Promote, component, from, to, "prod")));
    let why = Refusal::new(RefusalCode::SourceUnhealthy, "Vector database is degraded in Staging: 1 of 3 pods is ready.");
    let mut some: Vec<_> = parts().into_iter().map(planned).collect();
    some[1] = ("Vector database".to_owned(), Err(Error::Refused(why)));
    vec![("train-new", page(Ok(parts().into_iter().map(planned).collect()))), ("train-new-refused", page(Ok(some)))]
}
