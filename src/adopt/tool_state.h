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
	char	   *name;			/* the name of what was applied; "" if it is
								 * NULL in the table */
	bool		failed;
	bool		until;			/* with everything before it */
	bool		repeatable;		/* may run again */
	int			occurrence;		/* number of occurrences of the name so far,
								 * from 1 */
} CmigToolApplied;

/* The tool's table, if it has its usual name, or InvalidOid. */
extern Oid	cmig_tool_state_table(const CmigTool *tool);

/* That name, for messages. */
extern const char *cmig_tool_state_usual_name(const CmigTool *tool);

/* Why the table cannot belong to the tool, or must not be read, or NULL. */
extern char *cmig_tool_state_refusal(const CmigTool *tool, Oid table);

/* What is applied, oldest first: a List of CmigToolApplied *. */
extern List *cmig_tool_state_read(const CmigTool *tool, Oid table);

#endif							/* CMIG_TOOL_STATE_H */
