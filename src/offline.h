/*
 * offline.h
 *	  Moves as a text for psql: cmig.script, Alembic's --sql.
 *
 * It is called from SQL alone.
 */
#ifndef CMIG_OFFLINE_H
#define CMIG_OFFLINE_H

#include "postgres.h"
#include "fmgr.h"

extern Datum cmig_script(PG_FUNCTION_ARGS);

#endif							/* CMIG_OFFLINE_H */
