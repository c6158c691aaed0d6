// Copyright (c) 2026, the pg_cmig developers

// pg_cmig through node-pg, which sends every parameter as text without a type.
'use strict';

const { Client } = require('pg');
const assert = require('assert');
const { execFileSync } = require('child_process');

const chain = execFileSync('python3', ['-c', 'import checks, sys; sys.stdout.write(checks.CHAIN)'],
  { cwd: __dirname, encoding: 'utf8' });

function check(name, got, expected) {
  try {
    assert.deepStrictEqual(got, expected);
    console.log('ok ' + name);
  } catch (error) {
    console.log('not ok ' + name + '\n# got ' + JSON.stringify(got) + ' expected ' + JSON.stringify(expected));
  }
}

async function main() {
  const client = new Client({ host: process.argv[2], port: +process.argv[3], user: 'postgres', database: process.argv[4] });
  const notices = [];
  const rows = async (sql, ...args) => (await client.query({ text: sql, values: args, rowMode: 'array' })).rows;
  const code = async (sql, ...args) => rows(sql, ...args).then(() => 'no error', (error) => error.code);

  client.on('notice', (notice) => notices.push(notice.message));
  await client.connect();

  await client.query('BEGIN');
  check('load: a string is text', await rows('SELECT * FROM cmig.load($1)', chain),
    [['001', 'added'], ['002', 'added'], ['003', 'added']]);
  check('upgrade: a string is text', await rows('SELECT step, revision FROM cmig.upgrade($1)', '001'), [[1, '001']]);
  await client.query('COMMIT');
  check('a notice for each step', notices, ['upgrade base -> 001, accounts']);

  check('upgrade: an array arrives as one text', await rows('SELECT revision FROM cmig.upgrade($1)', ['002']), [['002']]);
  check('upgrade: +1', await rows('SELECT revision FROM cmig.upgrade($1)', '+1'), [['003']]);
  check('downgrade: -1', await rows('SELECT revision FROM cmig.downgrade($1)', -1), [['003']]);
  check('a number with a cast', await rows('SELECT revision FROM cmig.upgrade($1::int)', 1), [['003']]);
  check('arrays come back as arrays', await rows("SELECT revision, down_revision FROM cmig.history('003:')"),
    [['003', ['002']]]);
  check('plan: both parameters untyped', await rows('SELECT revision FROM cmig.plan($1, $2)', 'downgrade', '001'),
    [['003'], ['002']]);
  check('a named statement', (await client.query({ name: 'where', text: 'SELECT revision FROM cmig.current()' })).rows,
    [{ revision: '003' }]);

  check('unknown revision', await code('SELECT * FROM cmig.upgrade($1)', 'nonsense'), 'MG001');
  check('null', await code('SELECT * FROM cmig.upgrade($1)', null), '22023');

  await client.query('BEGIN');
  await rows('SELECT * FROM cmig.downgrade($1)', 'base');
  await client.query('ROLLBACK');
  check('rolled back with the caller', await rows('SELECT revision FROM cmig.current()'), [['003']]);

  await client.query('BEGIN');
  check('CALL in a transaction', await code('CALL cmig.downgrade_stepwise($1)', '-1'), '25001');
  await client.query('ROLLBACK');
  check('CALL with a parameter', await code('CALL cmig.downgrade_stepwise($1)', '-1'), 'no error');
  check('it has committed', await rows('SELECT revision FROM cmig.current()'), [['002']]);
  await client.end();
}

main().catch((error) => {
  console.log('not ok ' + error);
  process.exit(1);
});
