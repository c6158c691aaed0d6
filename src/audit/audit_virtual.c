/*
 * audit_virtual.c
 *	  Computes the values of virtual generated columns, which rows do not
 *	  contain.
 *
 * Triggers see null in these columns; the log has the values that a query of
 * the table would have returned.  PostgreSQL allows only built-in immutable
 * functions and types in virtual columns, so no user-defined code can run
 * here.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_virtual.h"
#include "base/compat.h"

#include "executor/executor.h"
#include "optimizer/optimizer.h"

void
cmig_audit_virtual_find(CmigAuditVirtual *columns, Relation relation,
						const CmigAuditShape *shape)
{
	columns->count = 0;
	for (int i = 0; i < shape->count; i++)
	{
		int			n = shape->columns[i].attno;
		Expr	   *expression = (Expr *) cmig_virtual_column_compat(relation, n + 1);

		if (expression == NULL)
			continue;
		if (columns->count == 0)
		{
			columns->attnos = palloc(sizeof(int) * shape->count);
			columns->expressions = palloc(sizeof(Expr *) * shape->count);
		}
		columns->attnos[columns->count] = n;
		columns->expressions[columns->count++] = expression_planner(expression);
	}
}

void
cmig_audit_virtual_begin(CmigAuditVirtualState *state, const CmigAuditVirtual *columns)
{
	state->columns = columns;
	state->context = NULL;
	if (columns->count == 0)
		return;
	state->context = CreateStandaloneExprContext();
	state->states = palloc(sizeof(ExprState *) * columns->count);
	for (int i = 0; i < columns->count; i++)
		state->states[i] = ExecInitExpr(columns->expressions[i], NULL);
}

void
cmig_audit_virtual_fill(CmigAuditVirtualState *state, TupleTableSlot *slot)
{
	if (state->context == NULL)
		return;
	state->context->ecxt_scantuple = slot;
	for (int i = 0; i < state->columns->count; i++)
	{
		int			n = state->columns->attnos[i];

		slot->tts_values[n] = ExecEvalExpr(state->states[i], state->context,
										   &slot->tts_isnull[n]);
	}
}

void
cmig_audit_virtual_clear(CmigAuditVirtualState *state, TupleTableSlot *slot)
{
	if (state->context == NULL)
		return;
	for (int i = 0; i < state->columns->count; i++)
	{
		int			n = state->columns->attnos[i];

		slot->tts_values[n] = (Datum) 0;
		slot->tts_isnull[n] = true;
	}
}

void
cmig_audit_virtual_end(CmigAuditVirtualState *state)
{
	if (state->context)
		FreeExprContext(state->context, true);
	state->context = NULL;
}
