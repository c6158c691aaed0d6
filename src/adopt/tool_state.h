/*
 * tool_state.h
 *	  Reads what another tool has applied from the tool's table.
 *
 * The table may belong to anyone.  Only a plain table is read, with columns of
 * built-in types and without row-level security for the caller.  It is read as
 * its owner, so that none of the owner's code runs with the caller's
 * privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_STATE_H
#define CMIG_TOOL_STATE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "adopt/tool.h"

/* A row in the tool's table. */
typedef struct CmigToolApplied
{
	char	   *name;			/* the name of what was applied; "" if it is
								 * NULL in the table */
	bool		failed;
	bool		until;			/* together with everything before it */
	bool		repeatable;		/* may run again */
	int			occurrence;		/* number of occurrences of the name so far,
								 * from 1 */
} CmigToolApplied;

/* Returns the tool's table if it has its usual name, else InvalidOid. */
extern Oid	cmig_tool_state_table(const CmigTool *tool);

/* Returns the table's usual name, for messages. */
extern const char *cmig_tool_state_usual_name(const CmigTool *tool);

/*
 * Returns the reason why the table cannot be the tool's or must not be read,
 * or NULL.
 */
extern char *cmig_tool_state_refusal(const CmigTool *tool, Oid table);

/* Returns what is applied, oldest first: a List of CmigToolApplied *. */
extern List *cmig_tool_state_read(const CmigTool *tool, Oid table);

#endif							/* CMIG_TOOL_STATE_H */
