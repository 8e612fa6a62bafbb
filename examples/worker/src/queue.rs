//! A stream of a Redis server as a queue, and what a worker asks of it.
//!
//! | an entry is | owner in the group | deliveries | becomes |
//! |---|---|---|---|
//! | new | none | 0 | held, when it is read |
//! | held | a worker | n | gone, when done; put back, when its job has failed (n) or has not begun (n - 1); dead, after too many |
//! | orphaned | a worker that has not renewed it for `abandoned` | n | held by who claims it (n + 1) |
//! | put back | [`NOBODY`] | n | held by who claims it (n + 1), when `back_off` * 2^(n - 1) has passed |
//! | dead | none: moved to the stream of dead letters | n | |
//!
//! Rule: whatever is asked may be asked again. A reply may be lost with the connection, so a request changes an entry only if it is
//! still the asker's. What a lost reply has delivered nobody holds, and it is orphaned in time.
//!
//! Who is asked is one thread's; a connection is made with the first request, and anew with the first after one that has failed.

use std::collections::HashMap;
use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, IntoConnectionInfo, RedisResult, cmd, pipe};

/// Owns what was put back. No worker is called so.
pub const NOBODY: &str = "-";

/// A server that has not replied for so long is taken for lost.
const REPLY: Duration = Duration::from_secs(10);

/// What was put back and is due, and what was orphaned. One step, so that two workers never claim the same: hence a script, which besides
/// knows the count of deliveries, as `XAUTOCLAIM` does not. It looks at a thousand of either, and says from where to look next.
const CLAIM: &str = r"
local stream, group, me, nobody = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local back_off, longest, abandoned = tonumber(ARGV[4]), 3600000, tonumber(ARGV[5])
local claimed = {}
local function take(limit, from, pending, is_due)
  for _, seen in ipairs(pending) do
    if limit == 0 then return from end
    local id, owner, idle, deliveries = unpack(seen)
    if is_due(owner, idle, deliveries) then
      -- Nothing if the entry was deleted from the stream.
      for _, entry in ipairs(redis.call('XCLAIM', stream, group, me, 0, id)) do
        claimed[#claimed + 1] = {entry[1], owner, deliveries + 1, entry[2]}
        limit = limit - 1
      end
    end
    from = '(' .. id
  end
  return #pending == 1000 and from or '-'
end
local put_back = redis.call('XPENDING', stream, group, ARGV[8], '+', 1000, nobody)
local next_put_back = take(tonumber(ARGV[6]), ARGV[8], put_back, function(_, idle, deliveries)
  -- So often doubled a millisecond is more than an hour; much more often would be infinity, and 0 times that is no number.
  return deliveries == 0 or idle >= math.min(back_off * 2 ^ math.min(deliveries - 1, 22), longest)
end)
local silent = redis.call('XPENDING', stream, group, 'IDLE', abandoned, ARGV[9], '+', 1000)
local next_silent = take(tonumber(ARGV[7]), ARGV[9], silent, function(owner) return owner ~= nobody end)
return {claimed, next_put_back, next_silent}";

/// Says that the asker lives. Returns what is not his any more.
const RENEW: &str = r"
local lost = {}
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) == 0 then
    lost[#lost + 1] = ARGV[i]
  else
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
return lost";

const PUT_BACK: &str = r"
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[4], ARGV[4], 1, ARGV[2]) == 1 then
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[4], 'RETRYCOUNT', ARGV[5], 'JUSTID')
end";

/// First the copy: if the server rejects that nothing was lost, and the entry is put back.
const BURY: &str = r"
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[4], ARGV[4], 1, ARGV[2]) == 1 then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[4], ARGV[4])) do
    local fields = entry[2]
    -- A script has no room for more than about 8000 arguments.
    if #fields > 7000 then fields = {'fields', cjson.encode(fields)} end
    local copy = redis.pcall('XADD', KEYS[2], '*', 'entry', ARGV[4], 'deliveries', ARGV[5], 'error', ARGV[6], unpack(fields))
    if type(copy) == 'table' then
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[4], 'RETRYCOUNT', ARGV[5], 'JUSTID')
      return copy
    end
  end
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[4])
  redis.call('XDEL', KEYS[1], ARGV[4])
end";

/// With a worker that is forgotten goes what it has pending.
const LEAVE: &str = r"
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end";

/// Where the queue is, and its rules, which are the same for all its workers.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Of the jobs.
    pub stream: String,
    /// Of the workers. It is the only one of the stream: what is done is deleted.
    pub group: String,
    /// The stream of dead letters. In a cluster it has to be in the slot of the other: `{jobs}` and `{jobs}:dead`.
    pub dead: String,
    /// After so long without a sign from its worker an entry is anybody's.
    pub abandoned: Duration,
    /// So long a job that has failed once waits; each time twice as long, an hour at most.
    pub back_off: Duration,
}

/// Where a held entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was read.
    New,
    /// It was claimed: its job has failed before, or had not begun.
    PutBack,
    /// It was claimed from a worker that gives no sign.
    Orphaned,
}

/// Names and values as the server knows them: bytes. One that is not as a job expects it is no reason to reject the reply that it is in.
pub type Fields = HashMap<Vec<u8>, Vec<u8>>;

/// What was read or claimed.
#[derive(Debug)]
pub struct Entry {
    /// The server's name for it.
    pub id: String,
    /// Where it was.
    pub origin: Origin,
    /// With this one, from 1.
    pub deliveries: usize,
    /// What the producer has put into it.
    pub fields: Fields,
}

/// Id, owner before, deliveries with this one, fields.
type Claimed = (String, Vec<u8>, usize, Fields);

/// What becomes of an entry that was held.
#[derive(Debug)]
pub enum Fate {
    /// It is deleted.
    Done,
    /// Somebody claims it later; it counts as delivered so many times.
    PutBack(usize),
    /// Goes to the dead letters, as delivered so many times, with a reason.
    Dead(usize, String),
}

/// The queue as one thread of a worker sees it.
pub struct Queue {
    client: Client,
    rules: Rules,
    name: String,
    connection: Option<Connection>,
    connected: Instant,
    /// Where to look next for what was put back, and for what was orphaned.
    from: [String; 2],
    /// The last request has failed, and that was told.
    is_lost: bool,
}

impl Queue {
    /// A worker's of this name, of which only one process makes use at a time.
    ///
    /// # Errors
    ///
    /// If the address cannot be understood.
    pub fn new(address: &str, rules: Rules, name: &str) -> RedisResult<Self> {
        // It does not introduce itself: who does waits for the reply, and where there is none goes on, to wait once more.
        let server = address.into_connection_info()?;
        let settings = server.redis_settings().clone().set_skip_set_lib_name();
        let client = Client::open(server.set_redis_settings(settings))?;
        let (from, connected) = (["-".into(), "-".into()], Instant::now());
        Ok(Self { client, rules, name: name.into(), connection: None, connected, from, is_lost: false })
    }

    /// What holds for all workers.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Connects, so that what is wrong from the beginning shows then.
    ///
    /// # Errors
    ///
    /// As of each request: the connection's and the server's.
    pub fn connect(&mut self) -> RedisResult<()> {
        self.ask(|_, _, _| Ok(()))
    }

    /// Up to so many new entries. Waits for the first, at most so long, and returns none if none came.
    ///
    /// # Errors
    ///
    /// As [`Queue::connect`].
    pub fn read(&mut self, count: usize, wait: Duration) -> RedisResult<Vec<Entry>> {
        let streams: Vec<(String, Vec<(String, Fields)>)> = self.ask(|rules, name, connection| {
            let mut read = cmd("XREADGROUP");
            read.arg("GROUP").arg(&rules.group).arg(name).arg("COUNT").arg(count).arg("BLOCK").arg(millis(wait));
            read.arg("STREAMS").arg(&rules.stream).arg(">").query(connection)
        })?;
        let entry = |(id, fields)| Entry { id, origin: Origin::New, deliveries: 1, fields };
        Ok(streams.into_iter().flat_map(|(_, entries)| entries).map(entry).collect())
    }

    /// Up to so many entries that were put back and are due, and up to so many that were orphaned.
    ///
    /// # Errors
    ///
    /// As [`Queue::connect`].
    pub fn claim(&mut self, put_back: usize, orphans: usize) -> RedisResult<Vec<Entry>> {
        // When the server comes back nobody has given a sign for as long as it was away: first all have time to do that.
        let have_all_renewed = self.connection.is_some() && self.connected.elapsed() >= self.rules.abandoned;
        let orphans = if have_all_renewed { orphans } else { 0 };
        let from = self.from.clone();
        let (claimed, put_back, orphaned): (Vec<Claimed>, String, String) = self.ask(|rules, name, connection| {
            let mut claim = script(CLAIM, &[&rules.stream], rules);
            claim.arg(name).arg(NOBODY).arg(millis(rules.back_off)).arg(millis(rules.abandoned));
            claim.arg(put_back).arg(orphans).arg(&from).query(connection)
        })?;
        self.from = [put_back, orphaned];
        let origin = |owner: Vec<u8>| if owner == NOBODY.as_bytes() { Origin::PutBack } else { Origin::Orphaned };
        let entry = |(id, owner, deliveries, fields): Claimed| Entry { id, origin: origin(owner), deliveries, fields };
        Ok(claimed.into_iter().map(entry).collect())
    }

    /// The worker still holds these. Returns those of them that it does not: others have claimed them.
    ///
    /// # Errors
    ///
    /// As [`Queue::connect`].
    pub fn renew(&mut self, ids: &[&str]) -> RedisResult<Vec<String>> {
        self.ask(|rules, name, connection| script(RENEW, &[&rules.stream], rules).arg(name).arg(ids).query(connection))
    }

    /// What has become of these: of all, or, if it fails, perhaps of some, and then it is to be called again with them.
    ///
    /// # Errors
    ///
    /// As [`Queue::connect`].
    pub fn settle(&mut self, fates: &[(String, Fate)]) -> RedisResult<()> {
        let done: Vec<&str> =
            fates.iter().filter(|(_, fate)| matches!(fate, Fate::Done)).map(|(id, _)| &**id).collect();
        self.ask(|rules, name, connection| {
            // No transaction: a server without memory rejects whatever is in one, even what makes room.
            let mut all = pipe();
            if !done.is_empty() {
                // Of whoever it is by now: it is done. In this order: what has gone and is pending nobody does again.
                all.cmd("XDEL").arg(&rules.stream).arg(&done).ignore();
                all.cmd("XACK").arg(&rules.stream).arg(&rules.group).arg(&done).ignore();
            }
            for (id, fate) in fates {
                match fate {
                    Fate::Done => continue,
                    Fate::PutBack(deliveries) => {
                        let mut put_back = script(PUT_BACK, &[&rules.stream], rules);
                        put_back.arg(name).arg(NOBODY).arg(id).arg(deliveries);
                        all.add_command(put_back);
                    }
                    Fate::Dead(deliveries, why) => {
                        let mut bury = script(BURY, &[&rules.stream, &rules.dead], rules);
                        bury.arg(name).arg(NOBODY).arg(id).arg(deliveries).arg(why);
                        all.add_command(bury);
                    }
                }
                all.ignore();
            }
            all.exec(connection)
        })
    }

    /// The group forgets the worker, unless something is pending of it.
    ///
    /// # Errors
    ///
    /// As [`Queue::connect`].
    pub fn leave(&mut self) -> RedisResult<()> {
        self.ask(|rules, name, connection| script(LEAVE, &[&rules.stream], rules).arg(name).exec(connection))
    }

    fn ask<T>(&mut self, request: impl FnOnce(&Rules, &str, &mut Connection) -> RedisResult<T>) -> RedisResult<T> {
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.begin(),
        };
        // One that has failed is not used again, whatever it was: a reply may be under way that belongs to no request.
        let reply = connection.and_then(|mut connection| {
            let reply = request(&self.rules, &self.name, &mut connection)?;
            self.connection = Some(connection);
            Ok(reply)
        });
        // If nobody reads that it is no reason to end.
        let _ = match &reply {
            Err(error) if !self.is_lost => writeln!(stderr(), "{}: the server: {error}; it is asked again", self.name),
            Ok(_) if self.is_lost => writeln!(stderr(), "{}: the server: replies again", self.name),
            _ => Ok(()),
        };
        self.is_lost = reply.is_err();
        reply
    }

    fn begin(&mut self) -> RedisResult<Connection> {
        let mut connection = self.client.get_connection_with_timeout(REPLY)?;
        connection.set_read_timeout(Some(REPLY))?;
        connection.set_write_timeout(Some(REPLY))?;
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(&self.rules.stream).arg(&self.rules.group).arg("0").arg("MKSTREAM");
        match create.exec(&mut connection) {
            // A server without memory says no more than that. If there is no group the next request hears so.
            Err(error) if !matches!(error.code(), Some("BUSYGROUP" | "OOM")) => return Err(error),
            _ => {}
        }
        // Says so if that is something else than a stream.
        cmd("XLEN").arg(&self.rules.dead).exec(&mut connection)?;
        self.connected = Instant::now();
        Ok(connection)
    }
}

fn script(text: &str, keys: &[&str], rules: &Rules) -> Cmd {
    let mut eval = cmd("EVAL");
    eval.arg(text).arg(keys.len()).arg(keys).arg(&rules.group);
    eval
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}
