//! Tables of one view in the three schemas: made like the live one, moved between schemas, held and let go.
//! Names of views come from the list of views, and statements that take no parameters are built from them.

use chrono::{DateTime, Utc};
use infra::event_store::Mark;
use sqlx::error::DatabaseError;
use sqlx::{Executor as _, PgConnection};

use super::{Old, RebuildError, ServedVersion};
use crate::checkpoint::revise;

/// First half of the advisory locks, one for each view: "rbld" in ASCII.
const REBUILD_LOCKS: i32 = 0x7262_6c64;
/// Readers queue behind a table lock that waits: it gives up soon and is tried again.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '250ms'";

/// Where and when tables are swapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Everything up to here is folded into the tables that come.
    pub(super) mark: Mark,
    /// The time of the swap.
    pub(super) now: DateTime<Utc>,
}

/// Takes the lock of a view for as long as the session lives: false when another has it.
///
/// # Errors
/// When the database fails.
pub(super) async fn lock(session: &mut PgConnection, view: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock($1, hashtext($2)) AS "mine!""#,
        REBUILD_LOCKS,
        view
    )
    .fetch_one(session)
    .await
}

/// Gives back every lock that the session took.
///
/// # Errors
/// When the session has ended, which gives them back as well.
pub(super) async fn unlock(session: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SELECT pg_advisory_unlock_all()")
        .execute(session)
        .await?;
    Ok(())
}

/// Makes an empty table beside the live one, with all but the indexes that only reading needs. What an
/// earlier rebuild has left is dropped.
///
/// # Errors
/// When the database refuses.
pub(super) async fn create(session: &mut PgConnection, view: &str) -> Result<(), sqlx::Error> {
    let create = format!(
        "DROP TABLE IF EXISTS views_next.{view};
         CREATE TABLE views_next.{view} (LIKE views.{view} INCLUDING ALL EXCLUDING INDEXES)"
    );
    session.execute(create.as_str()).await?;
    // What LIKE leaves out: options of the table, keys by their names, owner and grants.
    let rest = sqlx::query_scalar!(
        r#"WITH live AS (SELECT * FROM pg_class WHERE oid = to_regclass('views.' || $1))
           SELECT format('ALTER TABLE views_next.%I SET (%s)', relname,
                         array_to_string(reloptions, ', ')) AS "statement!"
           FROM live WHERE reloptions IS NOT NULL
           UNION ALL
           SELECT format('ALTER TABLE views_next.%I ADD CONSTRAINT %I %s', relname, conname,
                         pg_get_constraintdef(c.oid))
           FROM live JOIN pg_constraint c ON c.conrelid = live.oid AND c.contype IN ('p', 'u')
           UNION ALL
           SELECT format('ALTER TABLE views_next.%I OWNER TO %I', relname, pg_get_userbyid(relowner))
           FROM live
           UNION ALL
           SELECT format('GRANT %s ON views_next.%I TO %I', a.privilege_type, relname, r.rolname)
           FROM live, aclexplode(relacl) a JOIN pg_roles r ON r.oid = a.grantee
           WHERE a.grantee <> relowner"#,
        view
    )
    .fetch_all(&mut *session)
    .await?;
    run(session, &rest).await
}

/// Makes the other indexes, once the rows are there, and lets the planner know the table.
///
/// # Errors
/// When the database refuses.
pub(super) async fn dress(session: &mut PgConnection, view: &str) -> Result<(), sqlx::Error> {
    let indexes = sqlx::query_scalar!(
        r#"SELECT replace(pg_get_indexdef(i.indexrelid), ' ON views.', ' ON views_next.') AS "statement!"
           FROM pg_index i
           WHERE i.indrelid = to_regclass('views.' || $1)
             AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)"#,
        view
    )
    .fetch_all(&mut *session)
    .await?;
    run(session, &indexes).await?;
    session
        .execute(format!("ANALYZE views_next.{view}").as_str())
        .await?;
    Ok(())
}

async fn run(session: &mut PgConnection, statements: &[String]) -> Result<(), sqlx::Error> {
    for statement in statements {
        session.execute(statement.as_str()).await?;
    }
    Ok(())
}

/// Where the kept table of a view stands in the log.
///
/// # Errors
/// As [`RebuildError`]: none is kept, or it has other columns or rules.
pub(super) async fn kept(
    session: &mut PgConnection,
    view: &'static str,
) -> Result<Mark, RebuildError> {
    let row = sqlx::query!(
        r#"SELECT kept_position AS "position!", kept_hash AS "hash!",
                  (SELECT array_agg(row(attname, atttypid::regtype, attnotnull)::text ORDER BY attname)
                   FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
                     AND attrelid = to_regclass('views.' || view))
                  = (SELECT array_agg(row(attname, atttypid::regtype, attnotnull)::text ORDER BY attname)
                     FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
                       AND attrelid = to_regclass('views_kept.' || view))
                  AND (SELECT array_agg(pg_get_constraintdef(oid) ORDER BY pg_get_constraintdef(oid))
                       FROM pg_constraint WHERE conrelid = to_regclass('views.' || view))
                      IS NOT DISTINCT FROM
                      (SELECT array_agg(pg_get_constraintdef(oid) ORDER BY pg_get_constraintdef(oid))
                       FROM pg_constraint WHERE conrelid = to_regclass('views_kept.' || view))
                  AS same_shape
           FROM views.versions
           WHERE view = $1 AND kept_version IS NOT NULL AND to_regclass('views_kept.' || view) IS NOT NULL"#,
        view
    )
    .fetch_optional(session)
    .await?;
    let row = row.ok_or(RebuildError::NothingKept(view))?;
    if row.same_shape != Some(true) {
        return Err(RebuildError::Reshaped(view));
    }
    Ok(Mark::of_row(row.position, row.hash)?)
}

/// Lets the views' writers wait until the transaction ends. Readers go on. The checkpoints are held, too: a
/// batch that changes no row of a view moves them all the same, and would overtake the head that is read next.
///
/// # Errors
/// When the tables are in use for too long; see [`is_in_the_way`].
pub(super) async fn hold_writers(
    transaction: &mut PgConnection,
    views: &[&'static str],
) -> Result<(), sqlx::Error> {
    let tables: Vec<String> = views.iter().map(|view| format!("views.{view}")).collect();
    let lock = format!(
        "{LOCK_TIMEOUT}; LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
        tables.join(", ")
    );
    transaction.execute(lock.as_str()).await?;
    for view in views {
        revise(transaction, view).await?;
    }
    Ok(())
}

/// Whether somebody else holds what is needed: a lock timeout or a deadlock, worth another try.
pub(super) fn is_in_the_way(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == "55P03" || code == "40P01")
}

/// Serves the table of `views_next`, and keeps the one that was served.
///
/// # Errors
/// [`RebuildError::Ahead`] when the live view knows more than the log; when the tables are in use.
pub(super) async fn serve_next(
    transaction: &mut PgConnection,
    view: &'static str,
    old: Old,
    place: Place,
) -> Result<ServedVersion, RebuildError> {
    let before = take_over(transaction, view, place.mark).await?;
    let moved = format!(
        "DROP TABLE IF EXISTS views_kept.{view};
         ALTER TABLE views.{view} SET SCHEMA views_kept;
         ALTER TABLE views_next.{view} SET SCHEMA views"
    );
    transaction.execute(moved.as_str()).await?;
    let keep = keep(transaction, view, old, &before).await?;
    let row = sqlx::query!(
        r#"INSERT INTO views.versions AS v
               (view, version, swapped_at, kept_version, kept_position, kept_hash)
           VALUES ($1, 2, $2, CASE WHEN $3 THEN 1 END, CASE WHEN $3 THEN $4::bigint END,
                   CASE WHEN $3 THEN $5::bytea END)
           ON CONFLICT (view) DO UPDATE SET
               version = greatest(v.version, v.kept_version) + 1, swapped_at = $2,
               kept_version = CASE WHEN $3 THEN v.version END,
               kept_position = EXCLUDED.kept_position, kept_hash = EXCLUDED.kept_hash
           RETURNING version, kept_version"#,
        view,
        place.now,
        keep,
        before.mark.position,
        before.mark.hash.as_bytes()
    )
    .fetch_one(transaction)
    .await?;
    Ok(ServedVersion {
        view,
        version: row.version,
        kept: row.kept_version,
    })
}

/// Serves the table of `views_kept` again, and keeps the one that was served.
///
/// # Errors
/// As [`serve_next`].
pub(super) async fn serve_kept(
    transaction: &mut PgConnection,
    view: &'static str,
    place: Place,
) -> Result<ServedVersion, RebuildError> {
    let before = take_over(transaction, view, place.mark).await?;
    let moved = format!(
        "DROP TABLE IF EXISTS views_next.{view};
         ALTER TABLE views.{view} SET SCHEMA views_next;
         ALTER TABLE views_kept.{view} SET SCHEMA views;
         ALTER TABLE views_next.{view} SET SCHEMA views_kept"
    );
    transaction.execute(moved.as_str()).await?;
    let keep = keep(transaction, view, Old::Keep, &before).await?;
    let row = sqlx::query!(
        r#"UPDATE views.versions
           SET version = kept_version, kept_version = CASE WHEN $5 THEN version END,
               kept_position = CASE WHEN $5 THEN $2::bigint END,
               kept_hash = CASE WHEN $5 THEN $3::bytea END, swapped_at = $4
           WHERE view = $1
           RETURNING version, kept_version"#,
        view,
        before.mark.position,
        before.mark.hash.as_bytes(),
        place.now,
        keep
    )
    .fetch_one(transaction)
    .await?;
    Ok(ServedVersion {
        view,
        version: row.version,
        kept: row.kept_version,
    })
}

/// What the live view was.
struct Before {
    /// Everything up to here was folded, but what was parked.
    mark: Mark,
    had_parked: bool,
}

/// Keeps the rows that were served, or drops them: those that miss parked events cannot be brought up to date by the log
/// alone. Tells whether they are kept.
async fn keep(
    transaction: &mut PgConnection,
    view: &'static str,
    old: Old,
    before: &Before,
) -> Result<bool, sqlx::Error> {
    let keep = old == Old::Keep && !before.had_parked;
    if !keep {
        let gone = format!("DROP TABLE views_kept.{view}");
        transaction.execute(gone.as_str()).await?;
    }
    Ok(keep)
}

/// Sets the checkpoints of a view, which [`hold_writers`] holds, to where its new rows stand. Whoever remembers
/// rows of it forgets them, and what was parked is folded into the new ones.
async fn take_over(
    transaction: &mut PgConnection,
    view: &'static str,
    mark: Mark,
) -> Result<Before, RebuildError> {
    let stood = sqlx::query!(
        r#"SELECT max(position) AS "read!",
                  max(position) FILTER (WHERE topic = 'store') AS frontier,
                  (array_agg(hash) FILTER (WHERE topic = 'store'))[1] AS hash
           FROM views.checkpoints WHERE view = $1 HAVING count(*) > 0"#,
        view
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let mut before = Mark::default();
    if let Some(stood) = stood {
        if stood.read > mark.position {
            return Err(RebuildError::Ahead {
                view,
                read: stood.read,
                head: mark.position,
            });
        }
        if let Some((position, hash)) = stood.frontier.zip(stood.hash) {
            before = Mark::of_row(position, hash)?;
        }
    }
    sqlx::query!(
        "INSERT INTO views.checkpoints AS c (view, topic, partition, position, hash, revision)
         VALUES ($1, 'store', 0, $2, $3, 1)
         ON CONFLICT (view, topic, partition) DO UPDATE SET position = $2, hash = $3",
        view,
        mark.position,
        mark.hash.as_bytes()
    )
    .execute(&mut *transaction)
    .await?;
    let parked = sqlx::query!("DELETE FROM views.parked_events WHERE view = $1", view)
        .execute(&mut *transaction)
        .await?;
    Ok(Before {
        mark: before,
        had_parked: parked.rows_affected() > 0,
    })
}
