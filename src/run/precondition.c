/*
 * precondition.c
 *	  Checks the result of a revision's precondition.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/row_receiver.h"
#include "run/precondition.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "nodes/parsenodes.h"

/* A DestReceiver that checks the rows that a precondition returns. */
typedef struct PreconditionReceiver
{
	DestReceiver pub;
	int64		rows;
	bool		is_boolean;		/* did all rows have a single boolean column? */
	bool		is_null;		/* was the value in the last row null? */
	bool		is_true;		/* has the precondition returned exactly one
								 * row, which is true? */
} PreconditionReceiver;

/*
 * receiveSlot callback: count the row, and record whether it has a single
 * boolean column whose value is true.  Stops the query after a second row.
 */
static bool
take_row(TupleTableSlot *slot, DestReceiver *self)
{
	PreconditionReceiver *receiver = (PreconditionReceiver *) self;
	TupleDesc	desc = slot->tts_tupleDescriptor;

	slot_getallattrs(slot);
	receiver->rows++;
	receiver->is_boolean &= desc->natts == 1 && TupleDescAttr(desc, 0)->atttypid == BOOLOID;
	receiver->is_null = receiver->is_boolean && slot->tts_isnull[0];
	receiver->is_true = receiver->rows == 1 && receiver->is_boolean &&
		!slot->tts_isnull[0] && DatumGetBool(slot->tts_values[0]);
	return receiver->rows < 2;
}

DestReceiver *
cmig_precondition_receiver(void)
{
	PreconditionReceiver *receiver = palloc0(sizeof(PreconditionReceiver));

	cmig_row_receiver_init(&receiver->pub, take_row);
	receiver->is_boolean = true;
	return &receiver->pub;
}

/*
 * Returns a line for the error detail that says what the precondition
 * returned, or "" if it returned false or a column that is not boolean.
 */
static const char *
returned_line(const PreconditionReceiver *result)
{
	if (!result->is_boolean)
		return "";
	if (result->rows == 0)
		return "\nIt returned no row.";
	if (result->rows > 1)
		return "\nIt returned more than one row.";
	return result->is_null ? "\nIt returned null." : "";
}

void
cmig_precondition_require(const DestReceiver *receiver, const CmigRunStep *step)
{
	const PreconditionReceiver *result = (const PreconditionReceiver *) receiver;

	if (result->is_true)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PRECONDITION_FAILED),
			 result->is_boolean
			 ? errmsg("the precondition of revision \"%s\" is not met", step->revision)
			 : errmsg("the precondition of revision \"%s\" must return a single boolean column", step->revision),
			 errdetail("The precondition is: %s%s", step->precondition_sql, returned_line(result)),
			 errhint("The precondition must return one row with one boolean column, whose value must be true.")));
}

/* Does a WITH query of the SELECT insert, update, or delete rows? */
static bool
changes_rows(const SelectStmt *select)
{
	ListCell   *lc;

	foreach(lc, select->withClause != NULL ? select->withClause->ctes : NIL)
	{
		if (!IsA(lfirst_node(CommonTableExpr, lc)->ctequery, SelectStmt))
			return true;
	}
	return false;
}

void
cmig_precondition_require_select(const CmigStatement *statement, const CmigRunStep *step)
{
	const SelectStmt *select = (const SelectStmt *) statement->raw->stmt;

	if (statement->number > 1 || !IsA(select, SelectStmt) || select->intoClause != NULL || changes_rows(select))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the precondition of revision \"%s\" is not a single SELECT", step->revision)));
}
