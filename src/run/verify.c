/*
 * verify.c
 *	  Checks the rows that verify_sql returns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/row_receiver.h"
#include "run/verify.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"

/*
 * The maximum length in bytes of each value shown when a verification fails.
 */
#define VALUE_LENGTH 60

/* A DestReceiver that checks the rows that verify_sql returns. */
typedef struct VerifyReceiver
{
	DestReceiver pub;
	CmigScriptRun *run;
} VerifyReceiver;

/*
 * Returns the names and values of a row's columns for a message.  Long values
 * are truncated.
 */
static char *
describe_row(TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		appendStringInfo(&buf, "%s%s = ", i > 0 ? ", " : "",
						 NameStr(column->attname));
		if (slot->tts_isnull[i])
			appendStringInfoString(&buf, "NULL");
		else
		{
			Oid			output;
			bool		is_varlena;
			char	   *value;
			int			length;

			getTypeOutputInfo(column->atttypid, &output, &is_varlena);
			value = OidOutputFunctionCall(output, slot->tts_values[i]);
			length = pg_mbcliplen(value, strlen(value), VALUE_LENGTH);
			appendBinaryStringInfo(&buf, value, length);
			if (value[length] != '\0')
				appendStringInfoString(&buf, "...");
		}
	}
	return buf.data;
}

/*
 * receiveSlot callback: raise an error if the row's first boolean column is not
 * true.  A row without a boolean column passes.
 */
static bool
verify_row(TupleTableSlot *slot, DestReceiver *self)
{
	CmigScriptRun *run = ((VerifyReceiver *) self)->run;
	TupleDesc	desc = slot->tts_tupleDescriptor;

	slot_getallattrs(slot);
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->atttypid != BOOLOID)
			continue;
		if (!slot->tts_isnull[i] && DatumGetBool(slot->tts_values[i]))
			break;
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_VERIFY_FAILED),
				 errmsg("revision \"%s\" failed its verification", run->step->revision),
				 errdetail("Statement %d of verify_sql returned the row: %s.",
						   run->statement.number, describe_row(slot)),
				 errhint("Fix the revision, or the data that it checks, and run it again.")));
	}
	return true;
}

DestReceiver *
cmig_verify_receiver(CmigScriptRun *run)
{
	VerifyReceiver *receiver = palloc0(sizeof(VerifyReceiver));

	cmig_row_receiver_init(&receiver->pub, verify_row);
	receiver->run = run;
	return &receiver->pub;
}
