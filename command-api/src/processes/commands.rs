//! Commands that the system gives: by a process, a timer or a webhook.

use aws_lc_rs::digest::{SHA256, digest};
use domain::aggregates::AnyCommand;
use domain::decider::Decider;
use uuid::Uuid;

use crate::execute::{Answer, ExecuteError, Executor, Key, Reply, Single};
use crate::metadata::Origin;

/// Executes `command` once for all calls with the same `id`: the record that commits with its
/// events is the proof that it is done.
///
/// # Errors
/// As [`Executor::execute`]; a refusal is an answer of the aggregate and settles the matter.
pub(super) async fn execute_once(
    executor: &Executor,
    process: &str,
    id: Uuid,
    instance: Uuid,
    command: AnyCommand,
) -> Result<Answer, ExecuteError> {
    let origin = Origin {
        role: "system".to_owned(),
        request_id: id.to_string(),
        causation: Some(id),
        correlation: Some(instance),
        ..Origin::default()
    };
    let key = key_of(process, id);
    match command {
        AnyCommand::Restaurant(to, command) => single(executor, &origin, &key, to, command).await,
        AnyCommand::Menu(to, command) => single(executor, &origin, &key, to, command).await,
        AnyCommand::Inventory(to, command) => single(executor, &origin, &key, to, command).await,
        AnyCommand::Cart(to, command) => single(executor, &origin, &key, to, command).await,
        AnyCommand::Order(to, command) => single(executor, &origin, &key, to, command).await,
        AnyCommand::Payment(to, command) => single(executor, &origin, &key, to, command).await,
        AnyCommand::Delivery(to, command) => single(executor, &origin, &key, to, command).await,
        AnyCommand::Driver(to, command) => single(executor, &origin, &key, to, command).await,
    }
}

async fn single<C>(
    executor: &Executor,
    origin: &Origin,
    key: &Key,
    id: Uuid,
    command: C,
) -> Result<Answer, ExecuteError>
where
    C: For,
{
    let work = Single::<C::Aggregate, _> {
        id,
        command: command.into_command(),
        expected: None,
        allow: |_: &C::Aggregate| true,
        reply: Reply::done(),
    };
    executor.execute(origin, Some(key), &work).await
}

/// Which aggregate a command is for.
trait For {
    type Aggregate: Decider;
    fn into_command(self) -> <Self::Aggregate as Decider>::Command;
}

macro_rules! commands_for {
    ($($aggregate:path),+ $(,)?) => {
        $(impl For for <$aggregate as Decider>::Command {
            type Aggregate = $aggregate;
            fn into_command(self) -> Self {
                self
            }
        })+
    };
}
domain::for_each_aggregate!(commands_for);

fn key_of(process: &str, id: Uuid) -> Key {
    let hash = digest(&SHA256, format!("effect\n{process}\n{id}").as_bytes());
    let hash: [u8; 32] = hash.as_ref().try_into().unwrap_or_default();
    Key { hash, fingerprint: hash }
}
