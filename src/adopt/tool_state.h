/*
 * tool_state.h
 *	  Reads what another tool has applied from its table.
 *
 * The table may belong to anybody.  Only a plain table is read, with columns of
 * built-in types and without row-level security for the caller, and it is read as
 * its owner, so that nothing that its owner has written runs with the caller's
 * privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_STATE_H
#define CMIG_TOOL_STATE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "adopt/tool.h"

/* A row of the tool's table. */
typedef struct CmigToolApplied
{
	char	   *name;			/* of what was applied; "" if it is NULL there */
	bool		failed;
	bool		until;			/* with everything before it */
	bool		repeatable;		/* may run again */
	int			occurrence;		/* from 1: how often the name came up to here */
} CmigToolApplied;

/* The tool's table where it usually is, or InvalidOid. */
extern Oid	cmig_tool_state_table(const CmigTool *tool);

/* Why the table cannot be that of the tool, or must not be read; NULL if it can. */
extern char *cmig_tool_state_refusal(const CmigTool *tool, Oid table);

/* What is applied, oldest first: a List of CmigToolApplied *. */
extern List *cmig_tool_state_read(const CmigTool *tool, Oid table);

#endif							/* CMIG_TOOL_STATE_H */
