// Copyright (c) 2026, the pg_cmig developers

/*
 * CALL cmig.upgrade_stepwise through JDBC: where it is refused, what the hint
 * says to do, and what a cancelled one leaves.
 *
 * usage: java -cp postgresql.jar Stepwise.java URL STEPS, without compiling it
 * before; the URL has a "?" in it.
 */
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.postgresql.util.PSQLException;

public class Stepwise {
    static final String UP = "CALL cmig.upgrade_stepwise('head')";
    static final List<String> NOTICES = List.of("upgrade base -> 001, items",
        "upgrade 001 -> 002, fill and index, where another session can hold it up",
        "backfill of public.item updated 1000 rows",
        "upgrade 002 -> 003, one more column");

    static String url;
    static Connection other;

    interface Body {
        void run() throws Exception;
    }

    static void check(String name, Object got, Object expected) {
        boolean good = Objects.equals(got, expected);

        System.out.println((good ? "ok " : "not ok ") + name);
        if (!good) {
            System.out.println("# got " + got + " expected " + expected);
        }
    }

    static String ask(String sql) throws SQLException {
        try (Statement statement = other.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static String at() throws SQLException {
        return ask("SELECT coalesce(string_agg(revision, ' '), 'base') FROM cmig.version");
    }

    static List<String> notices(Statement statement) throws SQLException {
        List<String> all = new ArrayList<>();

        for (SQLWarning notice = statement.getWarnings(); notice != null; notice = notice.getNextWarning()) {
            all.add(((org.postgresql.util.PSQLWarning) notice).getServerErrorMessage().getMessage());
        }
        return all;
    }

    /* A batch's exception has the server's as the next one. */
    static PSQLException failure(Body body) throws Exception {
        try {
            body.run();
        } catch (SQLException error) {
            while (error.getNextException() != null && !(error instanceof PSQLException)) {
                error = error.getNextException();
            }
            return (PSQLException) error;
        }
        return null;
    }

    static void refused(String name, String expected, Body body) throws Exception {
        PSQLException error = failure(body);

        check(name + " is refused", error == null ? null : error.getSQLState(), "25001");
        check(name + ": the hint", error != null
            && error.getServerErrorMessage().getHint().contains("JDBC: if autocommit is off, connection.rollback()"), true);
        check(name + ": what was run", at(), expected);
        run(other, "CALL cmig.downgrade_stepwise('base')");
    }

    static void succeeds(String name, Body body) throws Exception {
        PSQLException error = failure(body);

        check(name, error == null ? at() : error.toString(), "003");
        run(other, "CALL cmig.downgrade_stepwise('base')");
    }

    static void waitUntilBlocked() throws Exception {
        while (ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND NOT granted").equals("0")) {
            Thread.sleep(20);
        }
    }

    /* What holds for every way in which the driver can talk to the server. */
    static void ways(String parameter) throws Exception {
        try (Connection connection = DriverManager.getConnection(url + parameter)) {
            String name = parameter.isEmpty() ? "" : parameter.substring(1) + ": ";

            succeeds(name + "Statement", () -> run(connection, UP));
            succeeds(name + "PreparedStatement, again and again", () -> {
                try (PreparedStatement statement = connection.prepareStatement("CALL cmig.upgrade_stepwise(?)")) {
                    for (String target : new String[] { "001", "001", "001", "001", "001", "001", "002", "head" }) {
                        statement.setString(1, target);
                        statement.execute();
                    }
                }
            });
            refused(name + "a string of several statements", "base",
                () -> run(connection, "SET cmig.lock_timeout = '2s'; " + UP));
            refused(name + "setAutoCommit(false)", "base", () -> {
                connection.setAutoCommit(false);
                run(connection, UP);
            });
            connection.rollback();
            connection.setAutoCommit(true);
            succeeds(name + "rollback(), then setAutoCommit(true)", () -> run(connection, UP));
        }
    }

    static void batches() throws Exception {
        try (Connection connection = DriverManager.getConnection(url);
             Statement batch = connection.createStatement();
             PreparedStatement prepared = connection.prepareStatement("CALL cmig.upgrade_stepwise(?)")) {
            refused("a batch", "base", () -> {
                batch.addBatch("SELECT set_config('cmig.lock_timeout', '2s', false)");
                batch.addBatch(UP);
                batch.executeBatch();
            });
            refused("the second of a batch", "001", () -> {
                prepared.setString(1, "001");
                prepared.addBatch();
                prepared.setString(1, "head");
                prepared.addBatch();
                prepared.executeBatch();
            });
            succeeds("after both, the same connection", () -> run(connection, UP));
        }
    }

    static void calls() throws Exception {
        try (Connection connection = DriverManager.getConnection(url)) {
            check("{call} is a SELECT to the driver", failure(() -> {
                try (CallableStatement call = connection.prepareCall("{call cmig.upgrade_stepwise(?)}")) {
                    call.setString(1, "head");
                    call.execute();
                }
            }).getSQLState(), "42809");
            succeeds("prepareCall with CALL and no braces", () -> {
                try (CallableStatement call = connection.prepareCall("CALL cmig.upgrade_stepwise(?)")) {
                    call.setString(1, "head");
                    call.execute();
                }
            });
        }
        for (String mode : new String[] { "callIfNoReturn", "call" }) {
            try (Connection connection = DriverManager.getConnection(url + "&escapeSyntaxCallMode=" + mode)) {
                succeeds("escapeSyntaxCallMode=" + mode + ": {call}", () -> {
                    try (CallableStatement call = connection.prepareCall("{call cmig.upgrade_stepwise(?)}")) {
                        call.setString(1, "head");
                        call.execute();
                    }
                });
            }
        }
    }

    static void others() throws Exception {
        try (Connection connection = DriverManager.getConnection(url);
             Statement statement = connection.createStatement()) {
            statement.execute(UP);
            check("notices are warnings", notices(statement), NOTICES);
            run(other, "CALL cmig.downgrade_stepwise('base')");
            run(connection, "SET cmig.lock_timeout = '2s'");
            succeeds("SET before, in a statement of its own", () -> run(connection, UP));
            succeeds("executeUpdate()", () -> statement.executeUpdate(UP));
            succeeds("setFetchSize(), setMaxRows()", () -> {
                try (Statement limited = connection.createStatement()) {
                    limited.setFetchSize(1);
                    limited.setMaxRows(1);
                    limited.execute(UP);
                }
            });
            run(connection, "DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 5)");
            succeeds("beside a cursor WITH HOLD", () -> run(connection, UP));
            run(connection, "CLOSE held");
            check("executeQuery() runs it, then misses a result", failure(() -> statement.executeQuery(UP)).getSQLState(),
                "02000");
            check("it has run", at(), "003");
            run(other, "CALL cmig.downgrade_stepwise('base')");
            PSQLException error = failure(() -> run(connection, "CALL cmig.upgrade_stepwise('nonsense')"));
            check("an error has its SQLSTATE", error.getSQLState(), "MG001");
            check("and hint", error.getServerErrorMessage().getHint() != null, true);
        }
    }

    static void again(String name, Statement statement) throws SQLException {
        ask("SELECT pg_advisory_unlock(42)");
        statement.execute(UP);
        check(name + ": the same CALL again", at() + " " + ask("SELECT count(*) FROM item WHERE name LIKE 'name %'"),
            "003 1000");
        run(other, "CALL cmig.downgrade_stepwise('base')");
    }

    static void cancel() throws Exception {
        try (Connection connection = DriverManager.getConnection(url);
             Statement statement = connection.createStatement()) {
            List<String> seen = new ArrayList<>();
            Thread thread = new Thread(() -> {
                try {
                    waitUntilBlocked();
                    /* the gate stays shut; they are sent, but the other thread has to read them */
                    for (int i = 0; i < 3000 && notices(statement).size() < 2; i++) {
                        Thread.sleep(20);
                    }
                    seen.addAll(notices(statement));
                    statement.cancel();
                } catch (Exception error) {
                    check("cancel(): " + error, false, true);
                }
            });

            run(other, "SELECT pg_advisory_lock(42)");
            thread.start();
            PSQLException error = failure(() -> statement.execute(UP));
            thread.join();
            check("cancel()", error == null ? null : error.getSQLState(), "57014");
            check("cancel(): where", error.getServerErrorMessage().getWhere().replaceFirst("(?s).*\n", ""),
                "pg_cmig: upgrade of 002, statement 2, line 2");
            check("cancel(): notices had arrived", seen, NOTICES.subList(0, 2));
            check("cancel(): what status says", ask("SELECT value FROM cmig.status() WHERE item = 'partially applied'"),
                "upgrade of 002: statement 1 is done; no later statement is complete");
            again("cancel()", statement);

            run(other, "SELECT pg_advisory_lock(42)");
            statement.setQueryTimeout(1);
            error = failure(() -> statement.execute(UP));
            check("setQueryTimeout()", error == null ? null : error.getSQLState(), "57014");
            statement.setQueryTimeout(0);
            again("setQueryTimeout()", statement);
        }
    }

    /* The driver says varchar for a String, which is no interval. */
    static void backfill(Connection connection, String pause) throws SQLException {
        try (PreparedStatement call = connection.prepareStatement(
                 "CALL cmig.backfill(?, ?, ?, batch_size => ?, pause => " + pause + ")")) {
            call.setString(1, "item");
            call.setString(2, "name = upper(name)");
            call.setString(3, "name <> upper(name)");
            call.setInt(4, 100);
            call.setString(5, "1 ms");
            call.execute();
        }
    }

    static void procedures() throws Exception {
        try (Connection connection = DriverManager.getConnection(url)) {
            run(connection, UP);
            connection.setAutoCommit(false);
            check("cmig.backfill in a transaction is refused",
                failure(() -> backfill(connection, "?::interval")).getSQLState(), "25001");
            connection.rollback();
            connection.setAutoCommit(true);
            check("cmig.backfill, pause => ?", failure(() -> backfill(connection, "?")).getSQLState(), "42883");
            backfill(connection, "?::interval");
            check("cmig.backfill, pause => ?::interval", ask("SELECT count(*) FROM item WHERE name LIKE 'NAME %'"), "1000");
            try (PreparedStatement call = connection.prepareStatement("CALL cmig.add_unique(?, ?)")) {
                call.setString(1, "item");
                call.setArray(2, connection.createArrayOf("text", new String[] { "id", "name" }));
                call.execute();
            }
            check("cmig.add_unique with an array",
                ask("SELECT conname FROM pg_constraint WHERE conrelid = 'item'::regclass AND contype = 'u'"), "item_id_name_key");
            run(other, "CALL cmig.downgrade_stepwise('base')");
        }
    }

    public static void main(String[] args) throws Exception {
        url = args[0];
        other = DriverManager.getConnection(url);
        try (PreparedStatement load = other.prepareStatement("SELECT cmig.load(?)")) {
            load.setString(1, Files.readString(Path.of(args[1])));
            load.execute();
        }
        ways("");
        ways("&preferQueryMode=simple");
        ways("&preferQueryMode=extendedCacheEverything");
        ways("&autosave=always");
        batches();
        calls();
        others();
        procedures();
        cancel();
    }
}
