// Copyright (c) 2026, the pg_cmig developers

// CALL cmig.upgrade_stepwise through node-pg: where it is refused, what the
// hint says to do, and what a cancelled one leaves.
'use strict';

const { Client, Pool } = require('pg');
const assert = require('assert');
const fs = require('fs');
const path = require('path');

const config = { host: process.argv[2], port: +process.argv[3], user: 'postgres', database: process.argv[4] };
const UP = "CALL cmig.upgrade_stepwise('head')";
const NOTICES = ['upgrade base -> 001, items',
  'upgrade 001 -> 002, fill and index, where another session can hold it up',
  'backfill of public.item updated 1000 rows',
  'upgrade 002 -> 003, one more column'];

function check(name, got, expected) {
  try {
    assert.deepStrictEqual(got, expected);
    console.log('ok ' + name);
  } catch (error) {
    console.log('not ok ' + name + '\n# got ' + JSON.stringify(got) + ' expected ' + JSON.stringify(expected));
  }
}

async function main() {
  const [client, other, pool] = [new Client(config), new Client(config), new Pool(config)];
  let notices = [];
  client.on('notice', (notice) => notices.push(notice.message));
  await client.connect();
  await other.connect();

  const ask = async (sql) => (await other.query({ text: sql, rowMode: 'array' })).rows[0][0];
  const at = () => ask("SELECT coalesce(string_agg(revision, ' '), 'base') FROM cmig.version");
  const waiting = async () => {
    while (!+await ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND NOT granted")) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const failure = (promise) => promise.then(() => ({ code: 'no error' }), (error) => error);
  const refused = async (name, promise) => {
    const error = await failure(promise);
    check(name + ' is refused', [error.code, /node-pg: client\.query\('ROLLBACK'\)/.test(error.hint), await at()],
      ['25001', true, 'base']);
  };
  const succeeds = async (name, body) => {
    await body();
    check(name, await at(), '003');
    await other.query("CALL cmig.downgrade_stepwise('base')");
  };

  await other.query('SELECT cmig.load($1)', [fs.readFileSync(path.join(__dirname, 'steps.sql'), 'utf8')]);

  await client.query('BEGIN');
  await refused('BEGIN', client.query(UP));
  await client.query('ROLLBACK');
  await succeeds("query('ROLLBACK'), then the CALL alone", () => client.query(UP));
  check('its notices', notices, NOTICES);
  await refused('a string of several statements', client.query("SET cmig.lock_timeout = '2s'; " + UP));
  await refused('a string that goes on', client.query(UP + '; SELECT 1'));
  await client.query("SET cmig.lock_timeout = '2s'");
  await succeeds('SET before, in a query() of its own', () => client.query(UP));
  await succeeds('a parameter', () => client.query('CALL cmig.upgrade_stepwise($1)', ['head']));
  await succeeds('a number, which arrives as text: a revision', async () => {
    check('that is not there', (await failure(client.query('CALL cmig.upgrade_stepwise($1)', [4711]))).code, 'MG001');
    await client.query(UP);
  });
  await succeeds('a named statement, again and again', async () => {
    for (const target of ['001', '001', '002', '003']) {
      await client.query({ name: 'up', text: 'CALL cmig.upgrade_stepwise($1)', values: [target] });
    }
  });
  await succeeds('pool.query()', () => pool.query('CALL cmig.upgrade_stepwise($1)', ['head']));
  await succeeds('queued behind other queries', () => Promise.all([client.query('SELECT 1'), client.query(UP)]));

  // node-pg's query_timeout gives up waiting, but the server goes on
  const impatient = new Client({ ...config, query_timeout: 200 });
  await impatient.connect();
  await other.query('SELECT pg_advisory_lock(42)');
  check('query_timeout', (await failure(impatient.query(UP))).message, 'Query read timeout');
  await waiting();
  check('the server goes on', /^upgrade of 002, by process/.test(
    await ask("SELECT value FROM cmig.status() WHERE item = 'running'")), true);
  const { processID } = impatient;
  await other.query('SELECT pg_cancel_backend($1)', [processID]);
  await other.query('SELECT pg_advisory_unlock(42)');
  await impatient.end();
  await succeeds('until it is cancelled; then the same CALL', () => client.query(UP));

  // the server's statement_timeout, as node-pg sets it
  const timed = new Client({ ...config, statement_timeout: 200 });
  await timed.connect();
  await other.query('SELECT pg_advisory_lock(42)');
  check('statement_timeout', (await failure(timed.query(UP))).code, '57014');
  await other.query('SELECT pg_advisory_unlock(42)');
  await timed.end();
  await succeeds('then the same CALL', () => client.query(UP));

  // cancelled from another session
  notices = [];
  await other.query('SELECT pg_advisory_lock(42)');
  const run = failure(client.query(UP));
  await waiting();
  // the gate stays shut; they are sent, but may be in the other socket still
  for (let i = 0; i < 3000 && notices.length < 2; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  check('notices arrive meanwhile', notices, NOTICES.slice(0, 2));
  await other.query('SELECT pg_cancel_backend($1)', [client.processID]);
  const error = await run;
  check('pg_cancel_backend', [error.code, error.where.split('\n').pop()],
    ['57014', 'pg_cmig: upgrade of 002, statement 2, line 2']);
  check('what status says', await ask("SELECT value FROM cmig.status() WHERE item = 'partially applied'"),
    'upgrade of 002: statement 1 is done; no later statement is complete');
  await other.query('SELECT pg_advisory_unlock(42)');
  await client.query(UP);
  check('the same CALL again', [await at(), await ask("SELECT count(*)::int FROM item WHERE name LIKE 'name %'")],
    ['003', 1000]);

  // the other procedures
  const backfill = 'CALL cmig.backfill($1, $2, $3, batch_size => $4, pause => $5)';
  const upper = ['item', 'name = upper(name)', 'name <> upper(name)', 100, '1 ms'];
  await client.query('BEGIN');
  check('cmig.backfill after BEGIN is refused', (await failure(client.query(backfill, upper))).code, '25001');
  await client.query('ROLLBACK');
  await client.query(backfill, upper);
  check('cmig.backfill with parameters', await ask("SELECT count(*)::int FROM item WHERE name LIKE 'NAME %'"), 1000);
  await client.query('CALL cmig.add_not_null($1, $2)', ['item', 'name']);
  await client.query('CALL cmig.add_unique($1, $2)', ['item', ['id', 'name']]);
  check('cmig.add_unique with an array',
    await ask("SELECT conname FROM pg_constraint WHERE conrelid = 'item'::regclass AND contype = 'u'"), 'item_id_name_key');

  await Promise.all([client.end(), other.end(), pool.end()]);
}

main().catch((error) => {
  console.log('not ok ' + error);
  process.exit(1);
});
