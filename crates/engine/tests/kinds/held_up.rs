//! A StatefulSet that waits for a broken pod of an earlier revision: nothing else reaches it before that pod is deleted.

use super::support::{actor, eventually};
use super::{Story, name, object};
use domain::changes::{Change, Request, State};
use sim::{Fault, Match};

fn unblock(component: &str, pod: &str) -> Request {
    Request::Unblock { component: name(component), environment: name("prod"), pod: name(pod), reason: "it waits in vain".into() }
}

/// A bad release by hand, and the template put right again, which does not help.
async fn stuck() -> Story {
    let story = Story::of("StatefulSet", "postgres").await;
    story.world.prod.apply(object("StatefulSet", "postgres", "devmatrix", "1.1-nopull")).unwrap();
    let failing = |cell: domain::clusters::Cell| cell.failing_pod.filter(|said| said.reason == "ImagePullBackOff");
    eventually("the bad pod says why", || async { failing(story.cell().await) }).await;
    assert_eq!(story.cell().await.blocker, None, "a bad pod of the present revision is mended by another release");
    story.world.prod.apply(object("StatefulSet", "postgres", "devmatrix", "1.2")).unwrap();
    let blocker = eventually("it is said what holds the set up", || async { story.cell().await.blocker }).await;
    assert_eq!((blocker.pod.as_str(), blocker.reason.as_str()), ("postgres-1", "ImagePullBackOff"));
    story
}

impl Story {
    async fn cell(&self) -> domain::clusters::Cell {
        let view = self.world.engine.component(&actor("viv"), self.component).await.unwrap();
        view.environments.into_iter().find(|here| here.environment.name == "prod").unwrap().cell
    }

    fn deletions(&self) -> usize {
        let deletes =
            |write: &&sim::WriteRecord| write.verb == "delete" && write.resource == "pods" && !write.dry_run && write.status < 300;
        self.world.prod.writes().iter().filter(deletes).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_is_held_up_goes_on_when_its_pod_is_deleted() {
    let story = stuck().await;
    let pia = story.world.actor("pia");
    let refused = story.world.engine.ask(&pia, unblock("postgres", "postgres-0"), None).await.unwrap_err();
    assert_eq!(refused.code(), "not_blocked", "only the pod that holds it up");
    let denied = story.world.engine.ask(&actor("viv"), unblock("postgres", "postgres-1"), None).await.unwrap_err();
    assert_eq!(denied.status(), 403);

    let change = story.ask(unblock("postgres", "postgres-1")).await;
    assert_eq!((change.state, story.deletions()), (State::AwaitingApproval, 0), "the dry run deletes nothing");
    let write = |change: &Change| change.steps.iter().find(|step| step.name == "write").unwrap().detail.clone();
    assert_eq!(write(&change), "One deletion, with the pod's uid as precondition");
    story.world.approved(&change, "dmitri").await;
    let ended = story.world.ends(&change, State::Succeeded).await;
    assert_eq!((story.deletions(), write(&ended).as_str()), (1, "Deleted pod postgres-1"));
    story.runs("prod", "1.2").await;
    assert_eq!(story.cell().await.blocker, None);
    let refused = story.world.engine.ask(&pia, unblock("postgres", "postgres-1"), None).await.unwrap_err();
    assert_eq!(refused.code(), "not_blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_whose_answer_is_lost_is_not_repeated_on_the_pod_that_came_after() {
    let story = stuck().await;
    let change = story.ask(unblock("postgres", "postgres-1")).await;
    // Conflicts that are nobody's are waited out.
    story.world.prod.faults().fail(Match::on("delete", "pods"), Fault::Answer(409), 2);
    story.world.prod.faults().fail(Match::on("delete", "pods"), Fault::AppliedThenReset, 1);
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Succeeded).await;
    assert_eq!((story.deletions(), story.world.prod.faults().pending()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_holds_nothing_up_any_more_is_not_deleted() {
    let story = stuck().await;
    let change = story.ask(unblock("postgres", "postgres-1")).await;
    story.world.prod.delete("pods", "devmatrix", "postgres-1").unwrap();
    story.runs("prod", "1.2").await;
    story.world.approved(&change, "dmitri").await;
    let ended = story.world.ends(&change, State::Superseded).await;
    assert!(ended.outcome.unwrap().reason.starts_with("postgres-1 does not hold up the set any more"));
    assert_eq!(story.deletions(), 0, "the new pod of that name stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_may_not_be_deleted_ends_the_change() {
    let story = stuck().await;
    let change = story.ask(unblock("postgres", "postgres-1")).await;
    story.world.prod.faults().fail(Match::on("delete", "pods"), Fault::Answer(403), 1);
    story.world.approved(&change, "dmitri").await;
    let ended = story.world.ends(&change, State::Errored).await;
    assert!(ended.outcome.unwrap().reason.contains("refused the write"));
    assert_eq!(story.deletions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_promoted_or_restarted_while_a_pod_holds_the_set_up() {
    let story = stuck().await;
    let pia = story.world.actor("pia");
    let restart = Request::Restart { component: name("postgres"), environment: name("prod"), reason: String::new() };
    for request in [story.promote(), story.rollback(1), restart] {
        let refused = story.world.engine.preview(&pia, request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), "held_up", "{request:?}");
        assert!(refused.to_string().contains("postgres-1 holds up Database in Production: ImagePullBackOff"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_that_a_broken_pod_holds_up_needs_a_person_soon_and_names_it() {
    let story = Story::of("StatefulSet", "postgres").await;
    story.world.prod.apply(object("StatefulSet", "postgres", "devmatrix", "1.1-nopull")).unwrap();
    eventually("the bad pod says why", || async { story.cell().await.failing_pod.filter(|said| said.reason == "ImagePullBackOff") }).await;
    let change = story.ask(story.promote()).await;
    story.world.approved(&change, "dmitri").await;
    let ended = story.world.ends(&change, State::Stuck).await.outcome.unwrap();
    assert!(ended.reason.starts_with("postgres-1, a pod of an earlier revision, holds up the set (ImagePullBackOff)"), "{}", ended.reason);
    assert_eq!(ended.failing_pod.unwrap().pod, "postgres-1");
    // It is the way on, and not a second wait in the queue.
    let freed = story.ask(unblock("postgres", "postgres-1")).await;
    story.world.approved(&freed, "dmitri").await;
    story.world.ends(&freed, State::Succeeded).await;
    story.runs("prod", "2.0").await;
}
