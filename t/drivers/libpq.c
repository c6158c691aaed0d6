/*
 * pg_cmig through libpq: parameters without a type, prepared statements, and
 * binary results.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

static int	failed = 0;

static void
check(const char *name, const char *got, const char *expected)
{
	int			good = got != NULL && strcmp(got, expected) == 0;

	printf("%s %s\n", good ? "ok" : "not ok", name);
	if (!good)
	{
		printf("# got \"%s\" expected \"%s\"\n", got ? got : "(null)", expected);
		failed = 1;
	}
}

/* The first column of the first row, or the SQLSTATE. */
static const char *
value(PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (state != NULL)
		return state;
	if (PQntuples(result) == 0)
		return "(no row)";
	return PQgetvalue(result, 0, 0);
}

static void
count_notice(void *arg, const PGresult *notice)
{
	(*(int *) arg)++;
}

int
main(int argc, char **argv)
{
	PGconn	   *conn = PQconnectdb(argc > 1 ? argv[1] : "");
	PGresult   *result;
	const char *values[2];
	int			notices = 0;
	char		number[16];

	if (PQstatus(conn) != CONNECTION_OK)
	{
		printf("not ok connection\n# %s", PQerrorMessage(conn));
		return 1;
	}
	PQsetNoticeReceiver(conn, count_notice, &notices);

	values[0] = "-- revision: 001\n-- cmig:upgrade\nCREATE TABLE account (id int);\n"
		"-- cmig:downgrade\nDROP TABLE account;\n";
	result = PQexecParams(conn, "SELECT action FROM cmig.load($1)", 1, NULL, values, NULL, NULL, 0);
	check("load: an untyped parameter is text", value(result), "added");
	PQclear(result);

	values[0] = "head";
	result = PQexecParams(conn, "SELECT revision FROM cmig.upgrade($1)", 1, NULL, values, NULL, NULL, 1);
	check("upgrade, binary result", value(result), "001");
	PQclear(result);
	snprintf(number, sizeof(number), "%d", notices);
	check("a notice for each step", number, "1");

	result = PQprepare(conn, "move", "SELECT revision FROM cmig.downgrade($1)", 0, NULL);
	PQclear(result);
	result = PQdescribePrepared(conn, "move");
	snprintf(number, sizeof(number), "%u", PQparamtype(result, 0));
	check("downgrade, described: text", number, "25");
	PQclear(result);
	values[0] = "base";
	result = PQexecPrepared(conn, "move", 1, values, NULL, NULL, 0);
	check("downgrade, prepared", value(result), "001");
	PQclear(result);

	values[0] = "nonsense";
	result = PQexecParams(conn, "SELECT cmig.require($1)", 1, NULL, values, NULL, NULL, 0);
	check("an error", value(result), "MG001");
	PQclear(result);

	/* several statements in one string are one transaction */
	result = PQexec(conn, "SELECT cmig.upgrade('head'); SELECT 1/0");
	check("a later error in the same string", value(result), "22012");
	PQclear(result);
	result = PQexec(conn, "SELECT count(*) FROM cmig.version");
	check("takes the run back", value(result), "0");
	PQclear(result);

	/* a procedure that commits */
	PQclear(PQexec(conn, "BEGIN"));
	result = PQexec(conn, "CALL cmig.upgrade_stepwise('head')");
	check("CALL in a transaction", value(result), "25001");
	PQclear(result);
	PQclear(PQexec(conn, "ROLLBACK"));
	result = PQexecParams(conn, "CALL cmig.upgrade_stepwise($1)", 1, NULL, (const char *[]) {"head"}, NULL, NULL, 0);
	check("CALL with a parameter", PQcmdStatus(result), "CALL");
	PQclear(result);
	PQclear(PQprepare(conn, "down", "CALL cmig.downgrade_stepwise($1)", 0, NULL));
	values[0] = "base";
	result = PQexecPrepared(conn, "down", 1, values, NULL, NULL, 0);
	check("CALL prepared", PQcmdStatus(result), "CALL");
	PQclear(result);

	for (int sync = 0; sync <= 1; sync++)
	{
		PQenterPipelineMode(conn);
		PQsendQueryParams(conn, "SELECT 1", 0, NULL, NULL, NULL, NULL, 0);
		if (sync)
			PQpipelineSync(conn);
		PQsendQueryParams(conn, "CALL cmig.upgrade_stepwise('head')", 0, NULL, NULL, NULL, NULL, 0);
		PQpipelineSync(conn);
		PQclear(PQgetResult(conn)); /* SELECT */
		PQclear(PQgetResult(conn));
		if (sync)
			PQclear(PQgetResult(conn));
		result = PQgetResult(conn);
		if (sync)
			check("CALL in a pipeline behind a sync", PQcmdStatus(result), "CALL");
		else
			check("CALL in a pipeline behind a statement", value(result), "25001");
		PQclear(result);
		PQclear(PQgetResult(conn));
		PQclear(PQgetResult(conn)); /* sync */
		PQexitPipelineMode(conn);
	}

	PQfinish(conn);
	return failed;
}
