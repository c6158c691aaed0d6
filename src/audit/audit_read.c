/*
 * audit_read.c
 *	  Queries the audit log: the entries of a transaction, and a report.
 *
 * These functions run with the privileges of the caller, who needs SELECT on
 * cmig_audit.log and cmig_audit.layout; policies on the log apply.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_reader.h"
#include "audit/audit_target.h"
#include "base/argument.h"
#include "base/errors.h"
#include "base/query.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(cmig_audit_transaction);
PG_FUNCTION_INFO_V1(cmig_audit_report);

static CmigQuery entries_of_transaction = {
	"SELECT l.id, l.clock_at, l.schema_name, l.table_name, l.operation, l.row_key,"
	" l.old_key, l.changed, l.old_row, l.new_row, l.user_id, l.tenant_id, l.role,"
	" l.revision, l.reason, l.request_id"
	" FROM cmig_audit.log l WHERE l.transaction_id = $1 ORDER BY l.seq, l.command_id, l.id",
	1, {XID8OID}
};

static CmigQuery report = {
	"SELECT pg_catalog.date_trunc('hour', l.clock_at), l.schema_name, l.table_name,"
	" l.operation, l.user_id, l.role, pg_catalog.count(*),"
	" pg_catalog.count(DISTINCT l.transaction_id)"
	" FROM cmig_audit.log l"
	" WHERE ($1 IS NULL OR l.clock_at >= $1) AND ($2 IS NULL OR l.clock_at < $2)"
	" AND ($3 IS NULL OR l.row_hash >= $3) AND ($4 IS NULL OR l.row_hash < $4)"
	" GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5 NULLS FIRST, 6",
	4, {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID}
};

static void
put_row(TupleDesc desc, HeapTuple row, void *arg)
{
	ReturnSetInfo *result = arg;

	tuplestore_puttuple(result->setResult, row);
}

/*
 * Returns the transaction ID given as the first argument, which has type xid8,
 * text, or an integer type.
 */
static Datum
transaction_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Datum		value = PG_GETARG_DATUM(0);
	char	   *digits;
	int64		number;

	switch (type)
	{
		case TEXTOID:
			digits = TextDatumGetCString(value);
			if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						 errmsg("invalid transaction ID: \"%s\"", digits),
						 errhint("SELECT * FROM cmig.audit_transaction('<transaction_id>')")));
			return DirectFunctionCall1(xid8in, CStringGetDatum(digits));
		case INT2OID:
			number = DatumGetInt16(value);
			break;
		case INT4OID:
			number = DatumGetInt32(value);
			break;
		case INT8OID:
			number = DatumGetInt64(value);
			break;
		case XID8OID:
		case InvalidOid:
			return value;
		default:
			number = -1;
	}
	if (number < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a transaction ID must be an xid8, text, or an integer that is not negative"),
				 errhint("SELECT * FROM cmig.audit_transaction('<transaction_id>')")));
	return FullTransactionIdGetDatum(FullTransactionIdFromU64((uint64) number));
}

Datum
cmig_audit_transaction(PG_FUNCTION_ARGS)
{
	Datum		values[1];

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	if (PG_ARGISNULL(0) && get_fn_expr_argtype(fcinfo->flinfo, 0) == TEXTOID)
		cmig_argument_require(fcinfo, 0, "the transaction ID",
							  "SELECT * FROM cmig.audit_transaction('<transaction_id>')");
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	values[0] = transaction_argument(fcinfo);
	cmig_query_each(&entries_of_transaction, values, NULL, put_row, fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
cmig_audit_report(PG_FUNCTION_ARGS)
{
	Datum		values[4] = {0};
	char		nulls[5] = "nnnn";

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	if (!PG_ARGISNULL(0))
	{
		CmigAuditTarget *target = cmig_audit_target_argument(fcinfo, 0);

		values[2] = Int64GetDatum((int64) target->table_id << 32);
		values[3] = Int64GetDatum(((int64) target->table_id + 1) << 32);
		nulls[2] = nulls[3] = ' ';
	}
	for (int i = 0; i < 2; i++)
	{
		if (PG_ARGISNULL(i + 1))
			continue;
		values[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = ' ';
	}
	cmig_query_each(&report, values, nulls, put_row, fcinfo->resultinfo);
	return (Datum) 0;
}
