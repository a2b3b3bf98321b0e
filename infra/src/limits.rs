//! Every limit that infra and the services share, with the reason beside it. Spans are real time
//! unless the name says otherwise; sizes are bytes.

use std::time::Duration;

// ---- connections and requests (reliability §7) -------------------------------------------------

/// Largest JSON body. A cart or an address is a few kilobytes; this leaves room and bounds memory.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Largest menu document: 500 items with recipes in several languages.
pub const MENU_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Deepest nesting of a JSON body; a menu needs nine levels.
pub const JSON_DEPTH_MAX: usize = 32;
/// Faults reported for one body: more than a form shows, few enough to bound the work and the answer.
pub const FAULTS_MAX: usize = 100;
/// A request's line and headers, together (hyper answers 431 beyond it).
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Number of headers in a request.
pub const HEADERS_MAX: usize = 64;
/// A client has this long to send its headers, also on an idle connection (reliability P11: ≤ 15 s).
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// A client has this long to send its body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// A connection that moves no byte in either direction while a request is open is closed after this.
pub const CONNECTION_STALL: Duration = Duration::from_mins(1);
/// Open connections of one listener; above it new ones are closed at once.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Open connections of one peer address, unless it is a trusted proxy.
pub const CONNECTIONS_PER_IP_MAX: usize = 1_000;
/// Wait after `accept` failed for want of descriptors, so that the loop does not spin.
pub const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// A decided outcome is awaited this long, then the answer is 503 `outcome_unknown`. A request that only
/// reads is answered within it, any other within it and [`BODY_TIMEOUT`].
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// Quotes remembered by one process to say how they have changed: some 5 KiB each.
pub const RECENT_QUOTES_MAX: u64 = 10_000;
/// A quote that nobody has come back to for so long is forgotten; a cart is filled in minutes.
pub const RECENT_QUOTE_IDLE: Duration = Duration::from_hours(1);

// ---- rates (reliability §3) ---------------------------------------------------------------------

/// Requests of one principal, or one address, in [`RATE_WINDOW`].
pub const RATE_QUOTA: u32 = 1_200;
/// Requests for tokens from one network in [`RATE_WINDOW`]. A person asks every ten minutes, so this is
/// enough for three thousand behind one address; a refresh token cannot be guessed at any rate.
pub const SIGN_IN_QUOTA: u32 = 300;
/// The window of [`RATE_QUOTA`] and [`SIGN_IN_QUOTA`].
pub const RATE_WINDOW: Duration = Duration::from_mins(1);
/// Principals and addresses whose rate is remembered; the least used are forgotten first.
pub const RATE_KEYS_MAX: u64 = 200_000;

// ---- access (reliability §7) --------------------------------------------------------------------

/// Life of an access token, in the marketplace's time.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_mins(10);
/// A login that is not refreshed ends after this, in the marketplace's time.
pub const LOGIN_IDLE_MAX: Duration = Duration::from_hours(14 * 24);
/// A login ends after this, however often it is refreshed.
pub const LOGIN_LIFE_MAX: Duration = Duration::from_hours(30 * 24);
/// The same for our staff and our programs, who can do most harm: a working day.
pub const OPS_LOGIN_LIFE_MAX: Duration = Duration::from_hours(12);
/// A refresh token may be used again this long when its successor never was: the answer was lost, and
/// a client notices that within its own timeout (ADR 14).
pub const REFRESH_REPEAT: Duration = Duration::from_secs(30);
/// A token issued further in the future than this is refused; clocks of our own machines differ less.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5);
/// Longest access token read at all.
pub const ACCESS_TOKEN_BYTES_MAX: usize = 4 * 1024;
/// A login's version is trusted this long before it is read again (P12: access ends within 5 s).
pub const LOGIN_FRESH: Duration = Duration::from_secs(5);
/// With the database away, a version of this age still serves reads.
pub const LOGIN_STALE_MAX: Duration = Duration::from_mins(1);
/// Logins whose version is remembered.
pub const LOGINS_CACHED_MAX: u64 = 100_000;

// ---- idempotency, consistency -------------------------------------------------------------------

/// Longest idempotency key, in visible ASCII characters.
pub const IDEMPOTENCY_KEY_MAX: usize = 255;
/// Streams that one consistency token names: a checkout writes four.
pub const CONSISTENCY_STREAMS_MAX: usize = 16;
/// A read waits this long for the rows that its token names.
pub const CONSISTENCY_WAIT: Duration = Duration::from_millis(500);

// ---- vault (reliability §5, §8) -----------------------------------------------------------------

/// An unwrapped key is kept this long; destroying a key takes effect everywhere within it.
pub const SUBJECT_KEY_LIFE: Duration = Duration::from_secs(30);
/// Unwrapped keys in memory.
pub const SUBJECT_KEYS_CACHED_MAX: u64 = 50_000;
/// The vault answers within this or counts as away.
pub const VAULT_DEADLINE: Duration = Duration::from_secs(1);

// ---- databases -----------------------------------------------------------------------------------

/// A round trip or a connect on a connection of our own (appender, sequencer) is given up after this:
/// a server that is there answers within milliseconds, and the connection may be a black hole.
pub const DATABASE_DEADLINE: Duration = Duration::from_secs(5);
/// The server itself ends a statement of a request after this (reliability §5).
pub const STATEMENT_MAX: Duration = Duration::from_secs(2);
/// The same for the projector, whose statements write whole batches and read whole views.
pub const PROJECTOR_STATEMENT_MAX: Duration = Duration::from_mins(1);

// ---- loops and stopping -------------------------------------------------------------------------

/// A step of a loop that is not over by then hangs, on a connection that nobody answers any more, and is
/// given up. Longer than the longest statement.
pub const STEP_MAX: Duration = Duration::from_mins(2);

/// Shortest pause of an idle loop.
pub const IDLE_POLL_MIN: Duration = Duration::from_millis(5);
/// Longest pause of an idle loop: what another process's commit waits at most to be seen.
pub const IDLE_POLL_MAX: Duration = Duration::from_millis(250);
/// First backoff of a failing loop, doubled at each failure.
pub const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Longest backoff of a failing loop: a healed dependency is noticed within it.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// After the soft stop, tasks may finish what they hold for this long.
pub const SOFT_STOP_MAX: Duration = Duration::from_secs(15);
/// After the hard stop, the process leaves with a failure if tasks are not done within this.
pub const HARD_STOP_MAX: Duration = Duration::from_secs(5);

// ---- traces ----------------------------------------------------------------------------------------

/// Spans that wait for the exporter, at about a kilobyte each; more are given up.
pub const TRACES_QUEUE_MAX: usize = 4_096;
/// One batch of spans is given up after this: the collector is near, and the next batch waits.
pub const TRACES_EXPORT_DEADLINE: Duration = Duration::from_secs(5);
/// A stopping process waits so long for its last spans: they are worth less than a prompt restart.
pub const TRACES_FLUSH_DEADLINE: Duration = Duration::from_secs(3);
/// Traces that the span of a batch links to: what the exporter's library keeps of a span.
pub const TRACES_LINKS_MAX: usize = 128;
