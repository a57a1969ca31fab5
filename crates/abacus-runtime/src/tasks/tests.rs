use std::future::pending;
use std::sync::mpsc;

use super::*;

const BUDGET: Duration = Duration::from_secs(5);
const NO_BUDGET: Duration = Duration::from_millis(20);

/// Entries of the tasks, in order.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<&'static str>>>);

impl Journal {
    fn write(&self, entry: &'static str) {
        self.0.lock().unwrap().push(entry);
    }
    fn entries(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

async fn requested(stopping: &Shutdown) {
    timeout(BUDGET, stopping.requested()).await.expect("a failure must begin the shutdown");
}

fn texts(failures: &[TaskFailure]) -> Vec<String> {
    failures.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn tasks_and_threads_stop_in_reverse_order_of_spawning() {
    let tasks = Tasks::new(Shutdown::new());
    let journal = Journal::default();
    for name in ["producer", "consumer"] {
        let journal = journal.clone();
        tasks.spawn(name, BUDGET, |shutdown| async move {
            shutdown.requested().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            journal.write(name);
            Ok(())
        });
    }
    let thread_journal = journal.clone();
    tasks
        .spawn_thread("poll", BUDGET, move |shutdown| {
            while !shutdown.is_requested() {
                std::thread::yield_now();
            }
            thread_journal.write("poll");
            Ok(())
        })
        .unwrap();
    let http_journal = journal.clone();
    tasks.spawn("http", BUDGET, |shutdown| async move {
        shutdown.requested().await;
        http_journal.write("http");
        Ok(())
    });

    assert!(tasks.stop().await.is_empty());
    assert_eq!(journal.entries(), ["http", "poll", "consumer", "producer"]);
}

#[tokio::test]
async fn the_process_is_stopping_before_the_first_task_is_asked() {
    let stopping = Shutdown::new();
    let tasks = Tasks::new(stopping.clone());
    tasks.spawn("http", BUDGET, |shutdown| async move {
        shutdown.requested().await;
        anyhow::ensure!(stopping.is_requested(), "readiness must turn red first");
        Ok(())
    });
    assert!(tasks.stop().await.is_empty());
}

#[tokio::test]
async fn a_task_past_its_budget_is_dropped_and_the_others_still_stop() {
    struct OnDrop(mpsc::Sender<()>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (dropped, was_dropped) = mpsc::channel();
    let tasks = Tasks::new(Shutdown::new());
    let journal = Journal::default();
    let first = journal.clone();
    tasks.spawn("first", BUDGET, |shutdown| async move {
        shutdown.requested().await;
        first.write("first");
        Ok(())
    });
    tasks.spawn("stubborn", NO_BUDGET, |_| async move {
        let _guard = OnDrop(dropped);
        pending().await
    });

    let failures = tasks.stop().await;
    assert_eq!(texts(&failures), ["task stubborn did not stop within 20ms"]);
    assert_eq!(journal.entries(), ["first"]);
    tokio::task::spawn_blocking(move || was_dropped.recv_timeout(BUDGET)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_thread_past_its_budget_is_left_behind() {
    let (release, released) = mpsc::channel::<()>();
    let tasks = Tasks::new(Shutdown::new());
    tasks
        .spawn_thread("stubborn", NO_BUDGET, move |_| {
            let _ = released.recv();
            Ok(())
        })
        .unwrap();
    assert_eq!(texts(&tasks.stop().await), ["task stubborn did not stop within 20ms"]);
    drop(release);
}

#[tokio::test]
async fn a_task_that_returns_early_begins_the_shutdown_and_is_a_failure() {
    let stopping = Shutdown::new();
    let tasks = Tasks::new(stopping.clone());
    tasks.spawn("brief", BUDGET, |_| async { Ok(()) });
    requested(&stopping).await;
    assert_eq!(texts(&tasks.stop().await), ["task brief ended although no shutdown was requested"]);
}

#[tokio::test]
async fn a_task_that_panics_begins_the_shutdown_and_is_a_failure() {
    let stopping = Shutdown::new();
    let tasks = Tasks::new(stopping.clone());
    tasks.spawn("shaky", BUDGET, |_| async { panic!("lost {}", "count") });
    requested(&stopping).await;
    assert_eq!(texts(&tasks.stop().await), ["task shaky panicked: lost count"]);
}

#[tokio::test]
async fn a_thread_that_panics_or_fails_begins_the_shutdown_and_is_a_failure() {
    let stopping = Shutdown::new();
    let tasks = Tasks::new(stopping.clone());
    tasks.spawn_thread("shaky", BUDGET, |_| panic!("lost count")).unwrap();
    requested(&stopping).await;
    tasks.spawn_thread("wrong", BUDGET, |_| anyhow::bail!("no broker")).unwrap();
    let failures = tasks.stop().await;
    assert_eq!(
        texts(&failures),
        ["task shaky panicked: lost count", "task wrong failed: no broker"]
    );
}

#[tokio::test]
async fn an_error_during_the_shutdown_is_a_failure_with_its_causes() {
    let tasks = Tasks::new(Shutdown::new());
    tasks.spawn("publisher", BUDGET, |shutdown| async move {
        shutdown.requested().await;
        Err(anyhow::anyhow!("broker away").context("could not flush"))
    });
    let failures = tasks.stop().await;
    assert_eq!(texts(&failures), ["task publisher failed: could not flush: broker away"]);
}

#[tokio::test]
async fn a_task_may_end_before_its_turn_once_a_shutdown_began() {
    let tasks = Tasks::new(Shutdown::new());
    let (feed, starved) = oneshot::channel::<()>();
    tasks.spawn("downstream", BUDGET, |_| async move {
        let _ = starved.await;
        Ok(())
    });
    tasks.spawn("upstream", BUDGET, |shutdown| async move {
        shutdown.requested().await;
        drop(feed);
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(())
    });
    assert!(tasks.stop().await.is_empty());
}

#[tokio::test]
async fn a_task_spawned_during_the_shutdown_is_stopped_too() {
    let tasks = Tasks::new(Shutdown::new());
    let registry = tasks.clone();
    tasks.spawn("late-starter", BUDGET, |shutdown| async move {
        shutdown.requested().await;
        registry.spawn("late", BUDGET, |shutdown| async move {
            shutdown.requested().await;
            Ok(())
        });
        Ok(())
    });
    assert!(tasks.stop().await.is_empty());
    assert_eq!(tasks.total_budget(), Duration::ZERO);
}
